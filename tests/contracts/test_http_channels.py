"""The HTTP channels keep the contract of all channels, through sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from service_core import ComponentRegistry, LocalComponentRegistry
from service_core.di import create, module
from service_core.testing import ChannelContract, ContractComponentImpl, ContractServiceImpl
from service_server_fastapi import FastAPIServer


@module()
class ContractModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()

    @create()
    def create_service(self) -> ContractServiceImpl:
        return ContractServiceImpl()

    @create()
    def create_component(self) -> ContractComponentImpl:
        return ContractComponentImpl()


class OverHTTP(ChannelContract):
    """All tests of a channel share two servers, which takes a fraction of the time."""

    free: ClassVar[list[FastAPIServer]]

    @classmethod
    def setup_class(cls) -> None:
        cls.free = [FastAPIServer(host="127.0.0.1", port=0) for _ in range(2)]
        for server in cls.free:
            server.boot(ContractModule)

    @classmethod
    def teardown_class(cls) -> None:
        for server in cls.free:
            server.stop()

    @contextmanager
    def server(self) -> Iterator[str]:
        server = self.free.pop()
        try:
            yield server.url
        finally:
            self.free.append(server)


class TestDispatchJSON(OverHTTP):
    channel = "dispatch-json"


class TestDispatchMSGPack(OverHTTP):
    channel = "dispatch-msgpack"


class TestRest(OverHTTP):
    channel = "rest"
