"""What is left of a registry that was closed: nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from service_core.testing import fresh_component
from service_registry_consul import ConsulComponentRegistry
from tests.integration.consul.parts import address_of, new_thread_names
from tests.integration.consul.test_scale import connections_to
from tests.support.consul import ConsulAgent
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually


def open_files() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("check", ["http", "ttl"])
def test_no_thread_connection_file_or_registration_is_left(own_consul: ConsulAgent, check: str) -> None:
    component = fresh_component()
    with HealthServer() as server:
        threads, files = set(threading.enumerate()), open_files()
        registry = ConsulComponentRegistry(server.port, own_consul.url, check=check, max_queries=2)
        registry.register(component, [address_of(server)], health="/health")
        for name in (component.name, "a", "b", "c", "d"):
            registry.wait_until_known(name, PATIENCE)
        registry.wait_for(component, PATIENCE)
        assert set(threading.enumerate()) > threads
        registry.close()
        assert own_consul.instances(component.name) == []
        # The thread of a check that Consul made here may still be about to end.
        eventually(lambda: set(threading.enumerate()) <= threads)
        eventually(lambda: connections_to(own_consul.port) == 0)
        eventually(lambda: open_files() <= files)


def test_a_registry_that_did_nothing_has_nothing_to_close(own_consul: ConsulAgent) -> None:
    threads = set(threading.enumerate())
    registry = ConsulComponentRegistry(0, own_consul.url)
    registry.start()
    assert set(threading.enumerate()) == threads
    registry.close()


def test_a_closed_registry_starts_nothing(own_consul: ConsulAgent) -> None:
    component, other = fresh_component(), fresh_component()
    with HealthServer() as server:
        threads = set(threading.enumerate())
        registry = ConsulComponentRegistry(server.port, own_consul.url)
        registry.register(component, [address_of(server)])
        registry.wait_for(component, PATIENCE)
        registry.close()
        registry.register(other, [address_of(server)])
        assert registry.wait_until_known(other.name, 0.05) == {}
        eventually(lambda: set(threading.enumerate()) <= threads)
        assert own_consul.instances(other.name) == []


def test_a_listener_may_close_the_registry(own_consul: ConsulAgent) -> None:
    component = fresh_component()
    with HealthServer() as server, ConsulComponentRegistry(server.port, own_consul.url) as host:
        threads = set(threading.enumerate())
        caller = ConsulComponentRegistry(0, own_consul.url)
        caller.subscribe(component.name, lambda snapshot: caller.close() if snapshot else None)
        host.register(component, [address_of(server)])
        eventually(lambda: bool(caller.snapshot(component.name)))
        eventually(lambda: "consul-watch" not in new_thread_names(threads))
