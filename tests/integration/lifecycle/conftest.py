"""A Consul for the tests of the life cycle, and a client at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest

from service_core import ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.integration.lifecycle.fleet import WorkServer
from tests.support.consul import ConsulAgent, free_ports

MakeServer = Callable[..., WorkServer]


@pytest.fixture
def consul() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture
def make_server(consul: ConsulAgent) -> Iterator[MakeServer]:
    """Makes servers that have ended after the test."""
    with ExitStack() as stack:

        def make(port: int = 0, **settings: object) -> WorkServer:
            return stack.enter_context(WorkServer(consul, port or free_ports(1)[0], **settings))

        yield make


@pytest.fixture
async def manager(consul: ConsulAgent) -> AsyncIterator[ServiceManager]:
    async with ServiceManager(ConsulComponentRegistry(0, consul.url)) as manager:
        yield manager
