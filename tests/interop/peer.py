"""The other side: a program that runs in an environment with aspyx-service 0.11.6, never beside ours.

peer.py serve PORT          hosts the peer component on PORT until its standard input ends
peer.py call CHANNEL URL    calls the peer component of another process, prints the answers as JSON
"""

import asyncio
import json
import os
import sys
from abc import abstractmethod
from dataclasses import dataclass

from aspyx.di import Environment, create, module
from aspyx_service import (
    AbstractComponent,
    ChannelAddress,
    ChannelInstances,
    Component,
    ComponentRegistry,
    ConsulComponentRegistry,
    FastAPIServer,
    Service,
    ServiceManager,
    ServiceModule,
    SessionManager,
    component,
    health,
    implementation,
    service,
)
from aspyx_service.service import LocalComponentRegistry
from consul import Consul
from fastapi import FastAPI
from pydantic import BaseModel

CHANNELS = ("dispatch-json", "dispatch-msgpack")


class Item(BaseModel):
    name: str
    price: float
    tags: list[str]


@dataclass
class Order:
    number: int
    items: list[Item]


@service(name="peer-service")
class PeerService(Service):
    @abstractmethod
    def hello(self, message: str) -> str: ...

    @abstractmethod
    def order(self, order: Order) -> Order: ...

    @abstractmethod
    def fail(self, message: str) -> str: ...

    @abstractmethod
    async def hello_async(self, message: str) -> str: ...


@component(name="peer-component", services=[PeerService])
class PeerComponent(Component):
    pass


@implementation()
class PeerServiceImpl(PeerService):
    def __init__(self):
        pass

    def hello(self, message: str) -> str:
        return f"hello {message}"

    def order(self, order: Order) -> Order:
        return Order(order.number + 1, order.items)

    def fail(self, message: str) -> str:
        raise ValueError(message)

    async def hello_async(self, message: str) -> str:
        return f"hello {message}"


@health("/peer-health")
@implementation()
class PeerComponentImpl(AbstractComponent, PeerComponent):
    def __init__(self):
        super().__init__()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, f"http://127.0.0.1:{port}") for channel in CHANNELS]


class StaticRegistry(LocalComponentRegistry):
    def __init__(self, url: str):
        super().__init__()
        self.url = url

    def get_addresses(self, descriptor) -> list[ChannelInstances]:
        return [ChannelInstances(descriptor.name, channel, [self.url]) for channel in CHANNELS]


def registry_at(address: str, port: int = 0) -> ComponentRegistry:
    if not address.isdigit():
        return StaticRegistry(address)
    registry = ConsulComponentRegistry(port, Consul(host="127.0.0.1", port=int(address)))
    registry.ip = "127.0.0.1"
    registry.healthcheck_interval = "1s"
    return registry


@module(imports=[ServiceModule])
class CommonModule:
    @create()
    def create_storage(self) -> SessionManager.Storage:
        return SessionManager.InMemoryStorage()


def serve(port: int, consul: str = "") -> None:
    @module(imports=[CommonModule])
    class ServerModule:
        @create()
        def create_server(self, manager: ServiceManager, registry: ComponentRegistry) -> FastAPIServer:
            return FastAPIServer(FastAPI(), manager, registry)

        @create()
        def create_registry(self) -> ComponentRegistry:
            return registry_at(consul, port) if consul else LocalComponentRegistry()

    FastAPIServer.boot(ServerModule, host="127.0.0.1", port=port)
    sys.stdin.read()


def call(channel: str, address: str) -> None:
    @module(imports=[CommonModule])
    class ClientModule:
        @create()
        def create_registry(self) -> ComponentRegistry:
            return registry_at(address)

    manager = Environment(ClientModule).get(ServiceManager)
    peer = manager.get_service(PeerService, preferred_channel=channel)
    order = peer.order(Order(7, [Item(name="tea", price=2.5, tags=["a", "b"])]))
    try:
        peer.fail("on purpose")
        failure = None
    except Exception as error:
        failure = type(error).__name__
    print(
        json.dumps(
            {
                "hello": peer.hello("ours"),
                "order": {"number": order.number, "items": [item.model_dump() for item in order.items]},
                "failure": failure,
                "async": asyncio.run(peer.hello_async("ours")),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), *sys.argv[3:])
    else:
        call(*sys.argv[2:])
        os._exit(0)  # the registry's thread never ends by itself
