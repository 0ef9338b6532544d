"""The channels in memory keep the contract of all channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service_core import ComponentRegistry, ServiceManager
from service_core.testing import ChannelContract, ContractServiceImpl, InMemoryNetwork


class InMemoryContract(ChannelContract):
    dead_address = "memory://absent"

    def setup_method(self) -> None:
        self.network = InMemoryNetwork()

    @contextmanager
    def server(self) -> Iterator[str]:
        url = self.network.start(ContractServiceImpl())
        yield url
        self.network.stop(url)

    def manager(self, registry: ComponentRegistry) -> ServiceManager:
        return ServiceManager(registry, self.network.channel_factory)


class TestJSONInMemory(InMemoryContract):
    channel = "dispatch-json"


class TestMSGPackInMemory(InMemoryContract):
    channel = "dispatch-msgpack"
