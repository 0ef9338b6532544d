"""The contract of all registries, kept by Consul's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service_core.registry.base import ComponentRegistry
from service_core.testing import RegistrationContract
from service_registry_consul import ConsulComponentRegistry
from tests.support.consul import ConsulAgent


class _Contract(RegistrationContract):
    url: str
    max_queries: int

    @pytest.fixture(autouse=True)
    def _use(self, consul: ConsulAgent) -> None:
        self.url = consul.url

    @contextmanager
    def registries(self) -> Iterator[tuple[ComponentRegistry, ComponentRegistry]]:
        # Nothing listens at the registered addresses, so health is reported by heartbeat.
        with (
            ConsulComponentRegistry(0, self.url, check="ttl") as server,
            ConsulComponentRegistry(0, self.url, max_queries=self.max_queries) as caller,
        ):
            yield server, caller


class TestWithWatchesOfTheirOwn(_Contract):
    max_queries = 100


class TestWithASharedWatch(_Contract):
    """All but one component are watched together."""

    max_queries = 1

    @contextmanager
    def registries(self) -> Iterator[tuple[ComponentRegistry, ComponentRegistry]]:
        with super().registries() as (server, caller):
            caller.wait_until_known("takes-the-only-watch", self.time_limit)
            yield server, caller
