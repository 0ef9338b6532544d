"""A channel of ten lines keeps the contract of instances, since ``run`` and ``run_async`` keep it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service_core import Call, Channel, ServiceCommunicationException, channel
from service_core.testing import ContractServiceImpl, InstanceContract

_TARGETS: dict[str, object] = {}


@channel("contract-pipe")
class PipeChannel(Channel):
    """The channel of docs/how-to/own-channel.md."""

    def invoke(self, invocation: Call) -> Any:
        return self.run(invocation, lambda url: self.method(url, invocation)(*invocation.args, **invocation.kwargs))

    async def invoke_async(self, invocation: Call) -> Any:
        async def send(url: str) -> Any:
            return await self.method(url, invocation)(*invocation.args, **invocation.kwargs)

        return await self.run_async(invocation, send)

    def method(self, url: str, call: Call) -> Any:
        if url not in _TARGETS:
            raise ServiceCommunicationException(f"{call.descriptor.where} at {url}: cannot connect")
        return getattr(_TARGETS[url], call.descriptor.name)


class TestOwnChannel(InstanceContract):
    channel = "contract-pipe"
    dead_address = "pipe://absent"

    @contextmanager
    def server(self) -> Iterator[str]:
        url = f"pipe://{len(_TARGETS)}"
        _TARGETS[url] = ContractServiceImpl()
        yield url
