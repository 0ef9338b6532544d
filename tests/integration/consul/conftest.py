"""A real Consul, and registries at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service_core.testing import fresh_component
from service_registry_consul import ConsulComponentRegistry
from tests.integration.consul.parts import Doomed, MakeRegistry, address_of
from tests.support.consul import ConsulAgent
from tests.support.health_server import HealthServer
from tests.support.waiting import eventually


@pytest.fixture(scope="session")
def consul() -> Iterator[ConsulAgent]:
    """A Consul that no test harms; use fresh component names."""
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture
def own_consul() -> Iterator[ConsulAgent]:
    """A Consul that a test may kill."""
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture
def make_registry() -> Iterator[MakeRegistry]:
    """Makes registries that are closed after the test."""
    with ExitStack() as stack:

        def make(consul: ConsulAgent | str, port: int = 0, **options: Any) -> ConsulComponentRegistry:
            url = consul.url if isinstance(consul, ConsulAgent) else consul
            return stack.enter_context(ConsulComponentRegistry(port, url, **options))

        yield make


@pytest.fixture(scope="session", autouse=True)
def doomed(consul: ConsulAgent) -> Iterator[Doomed]:
    """A registration that Consul will reap. That takes it 60 to 90 s, so it begins before the first test."""
    component = fresh_component()
    with (
        HealthServer() as server,
        ConsulComponentRegistry(server.port, consul.url, check_interval=1, deregister_after=60) as registry,
    ):
        registry.register(component, [address_of(server)], health="/health")
        [node] = eventually(lambda: consul.instances(component.name))
        server.status = 503
        yield Doomed(component=component.name, server=server, first=node["Service"]["CreateIndex"])
