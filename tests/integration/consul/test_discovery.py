"""What callers make of the things that stand in Consul. Faults 10 to 12 and 31 of the list, and how quick it is."""

from __future__ import annotations

import logging
import statistics
import threading
import time

import pytest

from service_core.registry.subscription import Snapshot
from service_core.testing import SnapshotRecorder, fresh_component
from tests.integration.consul.parts import MakeRegistry, registered_elsewhere, urls
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.health_server import HealthServer
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, eventually

ONE, TWO, THREE = (f"http://127.0.0.1:{port}" for port in (7001, 7002, 7003))
ROUNDS = 10


def test_instances_are_merged_by_channel(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    for number, url in enumerate((ONE, TWO, THREE)):
        registered_elsewhere(consul, component.name, url, instance=str(number))
    make_registry(consul).subscribe(component.name, listener)
    snapshot = listener.wait_until(lambda snapshot: urls(snapshot) == {ONE, TWO, THREE}, PATIENCE)
    assert list(snapshot) == ["dispatch-json"]


def test_an_instance_with_a_warning_is_used_last(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    registered_elsewhere(consul, component.name, ONE, instance="1", state="warning")
    registered_elsewhere(consul, component.name, TWO, instance="2")
    registered_elsewhere(consul, component.name, THREE, instance="3", state="critical")
    make_registry(consul).subscribe(component.name, listener)
    snapshot = listener.wait_until(lambda snapshot: len(urls(snapshot)) == 2, PATIENCE)
    assert snapshot["dispatch-json"].urls == (TWO, ONE)


def test_an_instance_in_maintenance_is_left(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    registered_elsewhere(consul, component.name, ONE)
    make_registry(consul).subscribe(component.name, listener)
    listener.wait_until(bool, PATIENCE)
    consul.request("PUT", f"/v1/agent/service/maintenance/{component.name}-other?enable=true")
    listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def test_a_component_without_instances_is_known_to_be_absent_quickly_both_times(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, caller = fresh_component(), make_registry(consul)
    for time_ in ("first", "second"):
        begin = time.monotonic()
        assert caller.wait_until_known(component.name, PATIENCE) == {}
        figures.add(f"component without instances, query {time_}", (time.monotonic() - begin) * 1000, "ms")


@pytest.mark.parametrize("max_queries", [1, 100])
def test_a_change_reaches_the_listener(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures, max_queries: int
) -> None:
    component, caller = fresh_component(), make_registry(consul, max_queries=max_queries)
    caller.wait_until_known("takes-the-first-watch", PATIENCE)
    reported = threading.Event()
    moments: list[float] = []

    def listen(_: Snapshot) -> None:
        moments.append(time.monotonic())
        reported.set()

    registered_elsewhere(consul, component.name, ONE)
    caller.wait_for(component, PATIENCE)
    caller.subscribe(component.name, listen)
    delays = []
    for number in range(ROUNDS):
        time.sleep(0.6)  # else it is the rate limit that is measured
        reported.clear()
        begin = time.monotonic()
        state = "pass" if number % 2 else "fail"
        consul.request("PUT", f"/v1/agent/check/{state}/service:{component.name}-other")
        assert reported.wait(PATIENCE)
        delays.append((moments[-1] - begin) * 1000)
    kind = "of its own" if max_queries > 1 else "that is shared"
    figures.add(f"health changed: listener called, by a watch {kind}, median", statistics.median(delays), "ms")


def test_a_storm_of_changes_is_watched_at_a_limited_rate_and_ends_in_the_right_state(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with FaultProxy(consul.port) as link:
        make_registry(link.url).subscribe(component.name, listener)
        begin = time.monotonic()
        for number in range(150):
            registered_elsewhere(consul, component.name, f"http://127.0.0.1:{20000 + number}", instance=f"{number:03}")
            time.sleep(max(0.0, begin + (number + 1) / 50 - time.monotonic()))
        storm, queries = time.monotonic() - begin, link.pieces
        listener.wait_until(lambda snapshot: len(urls(snapshot)) == 150, PATIENCE)
        lag = time.monotonic() - begin - storm
    # Two at once, then one each half second; and one for the first look, one that was under way.
    assert queries <= 2 + storm / 0.5 + 2
    figures.add("50 registrations per second for 3 s: queries", queries)
    figures.add("50 registrations per second for 3 s: lag at the end", lag * 1000, "ms")


def test_foreign_and_malformed_registrations_are_skipped_and_logged_once(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures, caplog: pytest.LogCaptureFixture
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    for instance, meta in {
        "no-meta": None,
        "other-meta": {"version": "3"},
        "no-list": {"channels": "what is this"},
        "no-end": {"channels": "dispatch-json(http://127.0.0.1:1"},
        "empty": {"channels": ""},
    }.items():
        registered_elsewhere(consul, component.name, "", instance=instance, Meta=meta)
    registered_elsewhere(consul, component.name, ONE)
    with caplog.at_level(logging.WARNING, "service.registry.consul"):
        make_registry(consul).subscribe(component.name, listener)
        assert urls(listener.wait_until(bool, PATIENCE)) == {ONE}
        registered_elsewhere(consul, component.name, TWO, instance="another")
        listener.wait_until(lambda snapshot: urls(snapshot) == {ONE, TWO}, PATIENCE)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 5
    for instance in ("no-meta", "other-meta", "no-list", "no-end", "empty"):
        assert sum(f"'{component.name}-{instance}'" in line for line in lines) == 1
    figures.add("5 foreign or malformed registrations: log lines", len(lines))


def test_an_address_that_must_not_be_called_is_never_handed_out(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures, caplog: pytest.LogCaptureFixture
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with HealthServer() as trap, HealthServer() as good:
        for number, url in enumerate(
            (
                "file:///etc/passwd",
                f"http://user:secret@127.0.0.1:{trap.port}",
                "http://169.254.169.254/latest/meta-data",
                "http://2852039166/latest/meta-data",
                "http://[::ffff:169.254.169.254]/latest/meta-data",
                "http://metadata.google.internal",
                f"ftp://127.0.0.1:{trap.port}",
            )
        ):
            registered_elsewhere(consul, component.name, url, instance=str(number))
        registered_elsewhere(consul, component.name, good.url)
        with caplog.at_level(logging.WARNING, "service.registry.consul"):
            make_registry(consul).subscribe(component.name, listener)
            assert urls(listener.wait_until(bool, PATIENCE)) == {good.url}
        assert trap.paths == []
        assert len(caplog.records) == 7
        assert "secret" not in caplog.text
        figures.add("7 hostile registrations: hits", len(trap.paths))


def test_only_allowed_networks_are_called(consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    registered_elsewhere(consul, component.name, "http://10.1.2.3:80", instance="inside")
    registered_elsewhere(consul, component.name, "http://10.2.2.3:80", instance="outside")
    registered_elsewhere(consul, component.name, "http://inside.example", instance="name")
    make_registry(consul, allow_cidrs=["10.1.0.0/16"]).subscribe(component.name, listener)
    assert urls(listener.wait_until(bool, PATIENCE)) == {"http://10.1.2.3:80"}


def test_a_listener_that_raises_does_not_end_the_watch(
    consul: ConsulAgent, make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    component, caller = fresh_component(), make_registry(consul)

    def fail(_: Snapshot) -> None:
        raise LookupError("on purpose")

    caller.wait_until_known(component.name, PATIENCE)
    caller.subscribe(component.name, fail)
    caller.subscribe(component.name, lambda snapshot: fail(snapshot) if snapshot else None)
    registered_elsewhere(consul, component.name, ONE)
    eventually(lambda: "on purpose" in caplog.text)
    registered_elsewhere(consul, component.name, TWO, instance="second")
    eventually(lambda: urls(caller.snapshot(component.name) or {}) == {ONE, TWO})
