"""Agents as they are operated: restarted with their disk, several data centers and hosts, rights that end, limits."""

from __future__ import annotations

import gc
import logging
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from service_core import ChannelAddress
from service_core.testing import SnapshotRecorder, fresh_component
from service_registry_consul import ConsulComponentRegistry
from tests.integration.consul.parts import MakeRegistry, address_of, states, urls
from tests.integration.consul.test_access import ACL, MASTER, RULES
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["SIGTERM", "SIGKILL"])
def test_an_agent_that_restarts_with_its_disk_costs_no_address(
    kind: str, make_registry: MakeRegistry, figures: Figures, tmp_path: Path
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    tmp_path.chmod(0o777)
    options = ("-server", "-bootstrap-expect=1", "-hcl=performance { raft_multiplier = 1 }")
    agent = ConsulAgent(*options, f"-data-dir={tmp_path / 'data'}", alone=False)
    with agent, HealthServer() as server:
        make_registry(agent, server.port, check_interval=1).register(component, [address_of(server)], health="/health")
        caller = make_registry(agent)
        caller.subscribe(component.name, listener)
        listener.wait_until(bool, PATIENCE)
        known = len(listener.snapshots)
        agent.stop() if kind == "SIGTERM" else agent.kill()
        eventually(lambda: not caller.status().connected)
        begin = time.monotonic()
        agent.start()
        eventually(lambda: list(states(agent, component.name).values()) == ["passing"])
        eventually(lambda: caller.status().connected and not caller.status().stale)
        figures.add(f"agent with a disk, {kind}: one passing registration after", time.monotonic() - begin, "s")
        assert len(agent.instances(component.name)) == 1
        assert all(listener.snapshots[known:])  # none without an address


def test_instances_that_answer_stay_in_use_when_the_token_loses_its_rights(make_registry: MakeRegistry) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with ConsulAgent(ACL, token=MASTER) as agent, HealthServer() as server:
        policy = eventually(lambda: _policy(agent))
        token = agent.request("PUT", "/v1/acl/token", {"Policies": [{"ID": policy["ID"]}]})["SecretID"]
        make_registry(agent, server.port, token=MASTER).register(component, [address_of(server)], health="/health")
        caller = make_registry(agent, token=token, wait=1.0)
        caller.subscribe(component.name, listener)
        listener.wait_until(bool, PATIENCE)
        known = len(listener.snapshots)
        agent.request("PUT", f"/v1/acl/policy/{policy['ID']}", {**policy, "Rules": ""})
        eventually(lambda: component.name in caller.status().stale)
        assert all(listener.snapshots[known:])
        assert urls(listener.snapshots[-1]) == {server.url}
        server.status = 503  # one that says that it stops leaves at once
        listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def _policy(agent: ConsulAgent) -> dict[str, str]:
    try:
        made: dict[str, str] = agent.request("PUT", "/v1/acl/policy", {"Name": "components", "Rules": RULES})
    except OSError:  # the access control is not up yet
        return {}
    return made


def test_a_component_of_another_data_center_is_found_by_setting(make_registry: MakeRegistry) -> None:
    component = fresh_component()
    with ConsulAgent("-node=one") as one, ConsulAgent("-node=other", "-datacenter=dc2") as other:
        one.request("PUT", f"/v1/agent/join/127.0.0.1:{other.wan_port}?wan=1")
        eventually(lambda: sorted(one.request("GET", "/v1/catalog/datacenters")) == ["dc1", "dc2"])
        with HealthServer() as server:
            make_registry(other, server.port).register(component, [address_of(server)], health="/health")
            eventually(lambda: other.instances(component.name))
            near, far = make_registry(one), make_registry(one, datacenter="dc2")
            assert urls(far.wait_for(component, PATIENCE)) == {server.url}
            assert near.wait_until_known(component.name, PATIENCE) == {}


def test_two_hosts_may_register_the_same_id_and_each_takes_its_own_away(
    make_registry: MakeRegistry, tmp_path: Path
) -> None:
    component = fresh_component()
    address = ChannelAddress("rest", "http://10.0.0.1:8000")
    tmp_path.chmod(0o777)
    with ExitStack() as stack:
        first = stack.enter_context(ConsulAgent("-node=first"))
        joined = ("-node=second", f"-data-dir={tmp_path / 'data'}", f"-retry-join=127.0.0.1:{first.serf_port}")
        second = stack.enter_context(ConsulAgent(*joined, alone=False))
        hosts = [make_registry(agent, 8000, check="ttl") for agent in (first, second)]
        for host in hosts:
            host.register(component, [address])
        eventually(lambda: len(first.instances(component.name)) == 2)
        ids = {node["Service"]["ID"] for node in first.instances(component.name)}
        assert ids == {f"10.0.0.1:8000:{component.name}"}
        assert urls(make_registry(first).wait_for(component, PATIENCE)) == {address.uri}
        hosts[0].close()
        [left] = eventually(lambda: _only(first, component.name))
        assert left["Node"]["Node"] == "second"
        hosts[1].close()
        eventually(lambda: first.instances(component.name) == [])


def _only(agent: ConsulAgent, component: str) -> list[dict[str, dict[str, str]]]:
    found = agent.instances(component)
    return found if len(found) == 1 else []


def test_health_that_changes_each_second_ends_in_the_right_state(
    consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with HealthServer() as server, HealthServer() as steady:
        for host in (server, steady):
            make_registry(consul, host.port, check_interval=1).register(component, [address_of(host)], health="/health")
        make_registry(consul).subscribe(component.name, listener)
        listener.wait_until(lambda snapshot: len(urls(snapshot)) == 2, PATIENCE)
        both = len(listener.snapshots)
        for _ in range(3):
            server.status = 503
            listener.wait_until(lambda snapshot: urls(snapshot) == {steady.url}, PATIENCE)
            server.status = 200
            listener.wait_until(lambda snapshot: urls(snapshot) == {steady.url, server.url}, PATIENCE)
        assert all(steady.url in urls(snapshot) for snapshot in listener.snapshots[both:] if snapshot)


def test_a_refusal_by_the_limit_of_connections_is_named(
    make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with ConsulAgent("-hcl=limits { http_max_conns_per_client = 3 }") as agent:
        registry = make_registry(agent, max_queries=8, max_queries_per_machine=8)
        with caplog.at_level(logging.WARNING):
            for number in range(8):
                registry.subscribe(f"component-{number}", lambda _: None)
            eventually(lambda: "http_max_conns_per_client" in caplog.text)


def test_a_registry_that_is_forgotten_ends_and_deregisters(consul: ConsulAgent) -> None:
    component = fresh_component()
    with HealthServer() as server:
        before = set(threading.enumerate())
        registry = ConsulComponentRegistry(server.port, consul.url)
        registry.register(component, [address_of(server)], health="/health")
        registry.subscribe(component.name, lambda _: None)
        eventually(lambda: consul.instances(component.name))
        del registry
        gc.collect()
        eventually(lambda: consul.instances(component.name) == [])
        eventually(lambda: not [thread for thread in set(threading.enumerate()) - before if thread.name == "consul"])
