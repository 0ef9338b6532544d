"""The dispatch channels keep the contract of all channels, through sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    @contextmanager
    def server(self) -> Iterator[str]:
        with FastAPIServer(host="127.0.0.1", port=0) as server:
            server.boot(ContractModule)
            yield server.url


class TestDispatchJSON(OverHTTP):
    channel = "dispatch-json"


class TestDispatchMSGPack(OverHTTP):
    channel = "dispatch-msgpack"
