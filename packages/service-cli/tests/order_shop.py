"""A component to serve, and what its two versions look like."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    ErrorCode,
    LocalComponentRegistry,
    Server,
    Service,
    component,
    implementation,
    raises,
    service,
)
from service_core.di import create, module
from service_core.rest import get, post, rest


class Order(BaseModel):
    number: int = Field(ge=1)
    title: str


@dataclass
class OrderNotFound(Exception):
    code = ErrorCode.NOT_FOUND
    number: int


@service()
@rest("/orders")
class OrderService(Service):
    """Orders of a shop."""

    @abstractmethod
    @get("/{number}")
    @raises(OrderNotFound)
    def find(self, number: int, *, language: str = "en") -> Order:
        """The order with that number."""

    @abstractmethod
    @post("/")
    async def place(self, order: Order) -> int: ...

    @abstractmethod
    def store(self, data: bytes, copies: Annotated[int, Field(ge=1)] = 1) -> int: ...

    @abstractmethod
    def fail(self) -> None: ...


@component(services=[OrderService])
class ShopComponent(Component): ...


@implementation()
class OrderServiceImpl(OrderService):
    def find(self, number: int, *, language: str = "en") -> Order:
        if number == 13:
            raise OrderNotFound(number)
        return Order(number=number, title=f"order {number} ({language})")

    async def place(self, order: Order) -> int:
        return order.number

    def store(self, data: bytes, copies: Annotated[int, Field(ge=1)] = 1) -> int:
        return len(data) * copies

    def fail(self) -> None:
        raise ValueError("secret")


@implementation()
class ShopComponentImpl(AbstractComponent, ShopComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        names = ("dispatch-json", "dispatch-msgpack", "rest")
        return [ChannelAddress(name, Server.get_url(port)) for name in names]


@module()
class ShopModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()
