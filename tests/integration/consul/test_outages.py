"""Consul comes late, hangs, dies, forgets; a link swallows everything. Faults 3 to 8 and 13 of the list."""

from __future__ import annotations

import threading
import time

import pytest

from service_core.testing import SnapshotRecorder, fresh_component
from tests.integration.consul.parts import MakeRegistry, address_of, new_thread_names, urls
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.health_server import HealthServer
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, eventually

RECONCILE = 10.0
"""The default, on purpose: it is what is promised."""


def test_an_agent_that_lost_its_state_gets_the_registrations_again_and_callers_lose_no_address(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with HealthServer() as one, HealthServer() as other:
        both = {one.url, other.url}
        for server in (one, other):
            registry = make_registry(own_consul, server.port, reconcile_interval=RECONCILE)
            registry.register(component, [address_of(server)], health="/health")
        caller = make_registry(own_consul)
        caller.subscribe(component.name, listener)
        listener.wait_until(lambda snapshot: urls(snapshot) == both, PATIENCE)
        told_before = len(listener.snapshots)

        own_consul.kill()
        own_consul.start()
        begin = time.monotonic()
        watch = make_registry(own_consul)  # a fresh one, which shows what the new agent knows
        again = SnapshotRecorder()
        watch.subscribe(component.name, again)
        again.wait_until(lambda snapshot: urls(snapshot) == both, PATIENCE)
        figures.add("agent restarted empty: both servers registered again after", time.monotonic() - begin, "s")

        listener.wait_until(lambda snapshot: urls(snapshot) == both, PATIENCE)
        assert all(urls(snapshot) for snapshot in listener.snapshots[told_before:])


def test_addresses_stay_in_use_while_the_agent_is_down(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, failure = fresh_component(), SnapshotRecorder()
    with HealthServer() as server:
        make_registry(own_consul, server.port).register(component, [address_of(server)])
        caller = make_registry(own_consul)
        known = caller.wait_for(component, PATIENCE)
        caller.subscribe(component.name, failure)
        own_consul.kill()
        begin = time.monotonic()
        eventually(lambda: caller.status().stale == (component.name,))
        figures.add("agent killed: callers know that they know nothing new after", time.monotonic() - begin, "s")
        status = caller.status()
        assert not status.connected
        assert status.last_error is not None
        assert f"cannot reach Consul at {own_consul.url}" in status.last_error
        assert "setting 'url'" in status.last_error
        assert caller.snapshot(component.name) == known
        assert failure.snapshots == [known]


def test_a_component_is_registered_when_the_agent_comes_later(make_registry: MakeRegistry, figures: Figures) -> None:
    agent, component = ConsulAgent(), fresh_component()
    with HealthServer() as server:
        make_registry(agent, server.port).register(component, [address_of(server)], health="/health")
        caller = make_registry(agent)
        assert caller.wait_until_known(component.name, 0.2) == {}
        with agent:
            begin = time.monotonic()
            assert urls(caller.wait_for(component, PATIENCE)) == {server.url}
            figures.add("agent later than the application: registered and found after", time.monotonic() - begin, "s")


def test_a_hanging_agent_harms_neither_calls_nor_the_end(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, other = fresh_component(), fresh_component()
    threads = set(threading.enumerate())
    with HealthServer() as server:
        host = make_registry(own_consul, server.port, close_timeout=2.0, request_timeout=1.0)
        for each in (component, other):
            host.register(each, [address_of(server)], health="/health")
        caller = make_registry(own_consul)
        known = caller.wait_for(component, PATIENCE)
        caller.wait_for(other, PATIENCE)
        own_consul.pause()
        assert caller.snapshot(component.name) == known
        begin = time.monotonic()
        host.deregister(component)
        host.deregister(other)
        host.close()
        figures.add("agent hangs: two components deregistered and closed in", time.monotonic() - begin, "s")
        begin = time.monotonic()
        caller.close()
        figures.add("agent hangs: caller closed in", time.monotonic() - begin, "s")
        eventually(lambda: not {"consul-register", "consul-watch"} & new_thread_names(threads))
        own_consul.resume()
        assert caller.snapshot(component.name) == known


def test_a_link_that_swallows_everything_is_replaced(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component = fresh_component()
    with FaultProxy(own_consul.port) as link, HealthServer() as server:
        caller = make_registry(link.url, wait=1.0)
        assert caller.wait_until_known(component.name, PATIENCE) == {}
        link.swallow()
        link.heal()
        make_registry(own_consul, server.port).register(component, [address_of(server)])
        begin = time.monotonic()
        assert urls(caller.wait_for(component, PATIENCE)) == {server.url}
        figures.add("link black-holed: watch with a wait of 1 s reconnected after", time.monotonic() - begin, "s")


def test_no_change_is_missed_when_the_index_goes_backwards(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    entry = {"Name": component.name, "ID": component.name, "Address": "127.0.0.1", "Port": 1}
    for number in range(50):  # an index that the next agent will not reach
        own_consul.registered(**entry, Meta={"channels": f"rest(http://127.0.0.1:{1000 + number})"})
    caller = make_registry(own_consul)
    caller.subscribe(component.name, listener)
    listener.wait_until(lambda snapshot: urls(snapshot) == {"http://127.0.0.1:1049"}, PATIENCE)

    own_consul.kill()
    own_consul.start()
    own_consul.registered(**entry, Meta={"channels": "rest(http://127.0.0.1:2000)"})
    begin = time.monotonic()
    listener.wait_until(lambda snapshot: urls(snapshot) == {"http://127.0.0.1:2000"}, PATIENCE)
    figures.add("index went backwards: first change seen after", (time.monotonic() - begin) * 1000, "ms")
    own_consul.registered(**entry, Meta={"channels": "rest(http://127.0.0.1:3000)"})
    begin = time.monotonic()
    listener.wait_until(lambda snapshot: urls(snapshot) == {"http://127.0.0.1:3000"}, PATIENCE)
    figures.add("index went backwards: second change seen after", (time.monotonic() - begin) * 1000, "ms")


def test_an_empty_answer_is_applied_when_nothing_else_comes(
    own_consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    own_consul.registered(Name=component.name, ID="x", Meta={"channels": "rest(http://127.0.0.1:1)"})
    caller = make_registry(own_consul, reconcile_interval=0.5)
    caller.subscribe(component.name, listener)
    listener.wait_until(bool, PATIENCE)
    own_consul.kill()
    own_consul.start()
    listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
    eventually(lambda: not caller.status().stale)
    assert caller.status().connected


@pytest.mark.parametrize("health", ["/health", None])
def test_an_instance_that_is_deregistered_from_outside_is_registered_again(
    consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures, health: str | None
) -> None:
    component, listener = fresh_component(), SnapshotRecorder()
    with HealthServer() as server:
        make_registry(consul, server.port, reconcile_interval=1.0).register(
            component, [address_of(server)], health=health
        )
        make_registry(consul).subscribe(component.name, listener)
        listener.wait_until(bool, PATIENCE)
        known = len(listener.snapshots)
        first = consul.instances(component.name)[0]["Service"]["CreateIndex"]
        consul.deregistered(f"127.0.0.1:{server.port}:{component.name}")
        begin = time.monotonic()
        eventually(
            lambda: any(node["Service"]["CreateIndex"] != first for node in consul.instances(component.name)),
        )
        assert all(listener.snapshots[known:])  # callers lose no address meanwhile: the instance answers
        figures.add("deregistered from outside: back (interval 1 s) after", time.monotonic() - begin, "s")
