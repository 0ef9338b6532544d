"""A real Consul, and registries at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service_registry_consul import ConsulComponentRegistry
from tests.integration.consul.parts import MakeRegistry
from tests.support.consul import ConsulAgent


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
