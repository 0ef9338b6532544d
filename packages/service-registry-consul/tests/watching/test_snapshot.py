from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_agent import instance, of_a_failed_agent

from service_core.addresses import ChannelInstances
from service_registry_consul import ConsulSettings
from service_registry_consul.watching.address_filter import AddressFilter
from service_registry_consul.watching.snapshot import read_nodes

POLICY = AddressFilter.of(ConsulSettings())
ONE, TWO, THREE = "http://h:1", "http://h:2", "http://h:3"

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def urls(nodes: Any) -> list[str]:
    snapshot = read_nodes("c", nodes, POLICY).snapshot
    return [url for found in snapshot.values() for url in found.urls]


def test_instances_are_merged_by_channel() -> None:
    nodes = [
        instance(ONE, service_id="1", Meta={"channels": f"rest({ONE}),dispatch-json({ONE})"}),
        instance(TWO, service_id="2", Meta={"channels": f"dispatch-json({TWO})"}),
    ]
    reading = read_nodes("c", nodes, POLICY)
    assert list(reading.snapshot.items()) == [
        ("rest", ChannelInstances("c", "rest", (ONE,))),
        ("dispatch-json", ChannelInstances("c", "dispatch-json", (ONE, TWO))),
    ]
    assert reading.skipped == ()


def test_what_an_instance_registered_besides_its_channels_is_its_metadata() -> None:
    meta = {"channels": f"rest({ONE})", "channel-json": ONE, "zone": "a", "weight": "5"}
    nodes = [instance(ONE, service_id="1", Meta=meta), instance(TWO, service_id="2")]
    found = read_nodes("c", nodes, POLICY).snapshot
    assert {url: about for each in found.values() for url, about in each.metadata.items()} == {
        ONE: {"zone": "a", "weight": "5"}
    }


def test_the_order_of_the_answer_does_not_matter() -> None:
    nodes = [instance(url, service_id=url) for url in (ONE, TWO, THREE)]
    assert urls(nodes) == urls(nodes[::-1]) == [ONE, TWO, THREE]


def test_instances_with_a_warning_come_last_and_others_that_do_not_pass_not_at_all() -> None:
    nodes = [
        instance(ONE, service_id="1", status="warning"),
        instance(TWO, service_id="2"),
        instance(THREE, service_id="3", status="critical"),
        instance("http://h:4", service_id="4", status="maintenance"),
        instance("http://h:5", service_id="5", status="of a later version"),
    ]
    assert urls(nodes) == [TWO, ONE]


def test_the_worst_check_counts() -> None:
    node = instance(ONE)
    node["Checks"] = [{"Status": "warning"}, {"Status": "critical"}, {"Status": "passing"}]
    assert urls([node]) == []


def test_an_instance_is_not_unhealthy_if_only_the_agent_of_its_node_has_failed() -> None:
    node = of_a_failed_agent(instance(ONE, service_id="1"))
    ill = of_a_failed_agent(instance(TWO, service_id="2", status="critical"))
    reading = read_nodes("c", [node, ill, instance(THREE, service_id="3")], POLICY)
    assert [found.urls for found in reading.snapshot.values()] == [(THREE,)]
    assert reading.unhealthy == {TWO}


@pytest.mark.parametrize(
    ("check", "is_unreported"),
    [
        ({"CheckID": "service:1", "Status": "critical", "Output": ""}, True),  # not run since the agent has started
        ({"CheckID": "service:1", "Status": "critical", "Output": "connection refused"}, False),
        ({"CheckID": "_service_maintenance:1", "Status": "critical", "Output": ""}, False),
        ({"CheckID": "_node_maintenance", "Status": "critical", "Output": ""}, False),
    ],
)
def test_an_instance_is_unhealthy_only_by_a_check_that_has_run_or_in_maintenance(
    check: dict[str, str], is_unreported: bool
) -> None:
    reading = read_nodes("c", [{**instance(ONE), "Checks": [check]}], POLICY)
    assert not reading.snapshot
    assert reading.unhealthy == (set() if is_unreported else {ONE})


@pytest.mark.parametrize("checks", [[], None])
def test_an_instance_without_checks_is_well(checks: Any) -> None:
    assert urls([{**instance(ONE), "Checks": checks}]) == [ONE]


def test_a_local_channel_of_another_process_is_left_out_silently() -> None:
    reading = read_nodes("c", [instance(ONE, Meta={"channels": f"local(),rest({ONE})"})], POLICY)
    assert list(reading.snapshot) == ["rest"]
    assert read_nodes("c", [instance(ONE, Meta={"channels": "local()"})], POLICY).skipped == ()
    assert reading.skipped == ()


@pytest.mark.parametrize(
    ("node", "complaint"),
    [
        (None, "component 'c', registration 'None' is skipped: it is not a registration of a service"),
        ({}, "registration '{}' is skipped: it is not a registration of a service"),
        ({"Service": "x"}, "is skipped: it is not a registration of a service"),
        ({"Service": {"ID": "x"}}, "registration 'x' is skipped: its meta entries name no channels"),
        (instance("", Meta={"channels": "?"}), r"'one' is skipped: expected 'channel(uri)' at '?'"),
        (instance("", Meta={"channels": 3}), "'one' is skipped: its meta entries are not strings"),
        (instance("", Meta=["channels"]), "'one' is skipped: its meta entries are not strings"),
        ({**instance(ONE), "Checks": 3}, "'one' is skipped: its checks are not a list of checks"),
        ({**instance(ONE), "Checks": [3]}, "'one' is skipped: its checks are not a list of checks"),
        (instance("file:///x"), "'one': the address of channel 'rest' is not used: scheme 'file' is not allowed"),
    ],
)
def test_a_bad_registration_is_skipped_and_the_others_are_used(node: Any, complaint: str) -> None:
    reading = read_nodes("c", [node, instance(TWO, service_id="2")], POLICY)
    assert [found.urls for found in reading.snapshot.values()] == [(TWO,)]
    [answered_with] = reading.skipped
    assert complaint in answered_with


def test_a_bad_address_does_not_take_the_others_of_its_instance_with_it() -> None:
    assert urls([instance("", Meta={"channels": f"x(file:///x),rest({ONE})"})]) == [ONE]


@pytest.mark.parametrize("nodes", [None, {}, "text", 3])
def test_what_is_no_list_is_no_answer(nodes: Any) -> None:
    with pytest.raises(ValueError, match="a list of instances was expected, not "):
        read_nodes("c", nodes, POLICY)


@given(st.data())
def test_whatever_stands_there_the_good_instance_is_found(data: st.DataObject) -> None:
    broken: Any = copy.deepcopy(instance(ONE, service_id="0"))
    place = data.draw(st.sampled_from([(), ("Service",), ("Service", "Meta"), ("Checks",), ("Service", "ID")]))
    value = data.draw(JSON_VALUES)
    target: Any = broken
    for key in place[:-1]:
        target = target[key]
    if place:
        target[place[-1]] = value
    else:
        broken = value
    assert TWO in urls([broken, instance(TWO, service_id="good")])
