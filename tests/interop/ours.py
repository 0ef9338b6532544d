"""Our declaration and implementation of the component that the peer has too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    LocalComponentRegistry,
    Server,
    Service,
    component,
    health,
    implementation,
    service,
)
from service_core.di import create, module
from service_core.rest import delete, get, post, put, rest
from service_server_fastapi import FastAPIServer

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
    @abstractmethod
    @get("/hello/{message}")
    def hello(self, message: str) -> str: ...

    @abstractmethod
    @get("/search")
    def search(self, text: str, limit: int) -> list[str]: ...

    @abstractmethod
    @post("/orders")
    def order(self, order: Order) -> Order: ...

    @abstractmethod
    @put("/orders/{number}")
    def renumber(self, number: int, by: int) -> int: ...

    @abstractmethod
    @delete("/orders/{number}")
    def cancel(self, number: int) -> bool: ...

    @abstractmethod
    @get("/fail/{message}")
    def fail(self, message: str) -> str: ...

    @abstractmethod
    @get("/async/hello/{message}")
    async def hello_async(self, message: str) -> str: ...

    @abstractmethod
    @post("/async/orders")
    async def order_async(self, order: Order) -> Order: ...

    @abstractmethod
    @put("/async/orders/{number}")
    async def renumber_async(self, number: int, by: int) -> int: ...

    @abstractmethod
    @post("/nothing")
    def nothing(self) -> None: ...

    @abstractmethod
    @delete("/async/orders/{number}")
    async def cancel_async(self, number: int) -> bool: ...


@component(name="peer-component", services=[PeerService, PeerRest])
class PeerComponent(Component): ...


@implementation()
class PeerServiceImpl(PeerService):
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
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = f"http://{Server.get_local_ip()}:{port}"
        return [ChannelAddress(channel, url) for channel in (*CHANNELS, "rest")]


def module_with(registry: Callable[[], ComponentRegistry]) -> type:
    """A module whose registry is made after the server's port is known."""

    @module()
    class OursModule:
        @create()
        def create_registry(self) -> ComponentRegistry:
            return registry()

    return OursModule


@contextmanager
def ours_server(registry: Callable[[], ComponentRegistry] = LocalComponentRegistry) -> Iterator[str]:
    """Our server's URL, as long as the block lasts."""
    with FastAPIServer(host="127.0.0.1", port=0) as server:
        server.boot(module_with(registry))
        yield server.url
