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
    Body,
    ChannelAddress,
    ChannelInstances,
    Component,
    ComponentRegistry,
    ConsulComponentRegistry,
    FastAPIServer,
    QueryParam,
    Service,
    ServiceManager,
    ServiceModule,
    SessionManager,
    component,
    delete,
    get,
    health,
    implementation,
    post,
    put,
    rest,
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


@service(name="peer-rest")
@rest("/peer")
class PeerRest(Service):
    @get("/hello/{message}")
    def hello(self, message: str) -> str: ...

    @get("/search")
    def search(self, text: QueryParam(str), limit: QueryParam(int)) -> list[str]: ...

    @post("/orders")
    def order(self, order: Body(Order)) -> Order: ...

    @put("/orders/{number}")
    def renumber(self, number: int, by: QueryParam(int)) -> int: ...

    @delete("/orders/{number}")
    def cancel(self, number: int) -> bool: ...

    @get("/fail/{message}")
    def fail(self, message: str) -> str: ...

    @get("/async/hello/{message}")
    async def hello_async(self, message: str) -> str: ...

    @post("/async/orders")
    async def order_async(self, order: Body(Order)) -> Order: ...

    @put("/async/orders/{number}")
    async def renumber_async(self, number: int, by: QueryParam(int)) -> int: ...

    @post("/nothing")
    def nothing(self) -> None: ...

    @delete("/async/orders/{number}")
    async def cancel_async(self, number: int) -> bool: ...


@component(name="peer-component", services=[PeerService, PeerRest])
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


@implementation()
class PeerRestImpl(PeerRest):
    def __init__(self):
        pass

    def hello(self, message: str) -> str:
        return f"hello {message}"

    def search(self, text: str, limit: int) -> list[str]:
        return [text] * limit

    def order(self, order: Order) -> Order:
        return Order(order.number + 1, order.items)

    def renumber(self, number: int, by: int) -> int:
        return number + by

    def cancel(self, number: int) -> bool:
        return True

    def nothing(self) -> None:
        return None

    def fail(self, message: str) -> str:
        raise ValueError(message)

    async def hello_async(self, message: str) -> str:
        return f"hello {message}"

    async def order_async(self, order: Order) -> Order:
        return Order(order.number + 1, order.items)

    async def renumber_async(self, number: int, by: int) -> int:
        return number + by

    async def cancel_async(self, number: int) -> bool:
        return True


@health("/peer-health")
@implementation()
class PeerComponentImpl(AbstractComponent, PeerComponent):
    def __init__(self):
        super().__init__()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, f"http://127.0.0.1:{port}") for channel in (*CHANNELS, "rest")]


class StaticRegistry(LocalComponentRegistry):
    def __init__(self, url: str):
        super().__init__()
        self.url = url

    def get_addresses(self, descriptor) -> list[ChannelInstances]:
        return [ChannelInstances(descriptor.name, channel, [self.url]) for channel in (*CHANNELS, "rest")]


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
    peer = manager.get_service(PeerRest if channel == "rest" else PeerService, preferred_channel=channel)
    order = peer.order(Order(7, [Item(name="tea", price=2.5, tags=["a", "b"])]))
    try:
        peer.fail("on purpose")
        failure = None
    except Exception as error:
        failure = type(error).__name__
    answers = {
        "hello": peer.hello("ours"),
        "order": {"number": order.number, "items": [item.model_dump() for item in order.items]},
        "failure": failure,
        **asyncio.run(call_async(channel, peer)),
    }
    if channel == "rest":
        answers |= {"search": peer.search("a b", 2), "put": peer.renumber(7, 2), "delete": peer.cancel(7)}
    print(json.dumps(answers), flush=True)


async def call_async(channel: str, peer) -> dict:
    # All on one event loop, since its clients do not live on a second one.
    answers = {"async": await peer.hello_async("ours")}
    if channel == "rest":
        answers |= {"put async": await peer.renumber_async(7, 2), "delete async": await peer.cancel_async(7)}
    return answers


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), *sys.argv[3:])
    else:
        call(*sys.argv[2:])
        os._exit(0)  # the registry's thread never ends by itself
