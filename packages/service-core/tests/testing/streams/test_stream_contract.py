"""The channels in memory keep the contract about streams, and so does one that carries none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service_core import Channel, ComponentRegistry, Invocation, Policy, ServiceManager, channel
from service_core.testing import InMemoryNetwork, StreamContract, StreamContractServiceImpl


class InMemoryContract(StreamContract):
    def setup_method(self) -> None:
        self.network = InMemoryNetwork()

    @contextmanager
    def server(self) -> Iterator[str]:
        url = self.network.start(StreamContractServiceImpl())
        yield url
        self.network.stop(url)

    def manager(self, registry: ComponentRegistry, policy: Policy) -> ServiceManager:
        return ServiceManager(registry, self.network.channel_factory, policy=policy)


class TestJSONInMemory(InMemoryContract):
    channel = "dispatch-json"


class TestMSGPackInMemory(InMemoryContract):
    channel = "dispatch-msgpack"


@channel("without-streams")
class ChannelWithoutStreams(Channel):
    """Carries whole arguments and results."""

    def invoke(self, invocation: Invocation) -> Any:
        return invocation.arguments()

    async def invoke_async(self, invocation: Invocation) -> Any:
        return invocation.arguments()


class TestWithoutStreams(StreamContract):
    channel = "without-streams"
    results = arguments = conversations = False

    @contextmanager
    def server(self) -> Iterator[str]:
        yield "http://127.0.0.1:1"
