"""A service that takes and returns every kind of type, hosted by a server of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel
from typing_extensions import TypedDict

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    LocalComponentRegistry,
    Server,
    Service,
    component,
    implementation,
    raises,
    service,
)
from service_core.di import create, module

CHANNELS = ("dispatch-json", "dispatch-msgpack")

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Point(NamedTuple):
    x: int
    y: float


class Options(TypedDict):
    name: str
    flags: list[bool]


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


@dataclass
class Leaf:
    raw: bytes
    when: datetime
    day: date
    lasts: timedelta


class Everything(BaseModel):
    leaf: Leaf
    price: Decimal
    id: UUID
    color: Color
    level: Level
    point: Point
    options: Options
    choice: int | str | None
    page: Page[Leaf]
    table: dict[str, list[set[int]]]
    pair: tuple[int, bytes]
    children: list[Everything] = []


class OutOfStock(Exception):
    def __init__(self, item: str, left: Decimal) -> None:
        super().__init__(f"{left} of {item} left")
        self.item = item
        self.left = left


@service()
class CatalogueService(Service):
    @abstractmethod
    def echo(self, value: Everything) -> Everything: ...

    @abstractmethod
    async def echo_async(self, value: Everything) -> Everything: ...

    @abstractmethod
    def add(self, first: int, second: int = 1, *, third: int = 0) -> int: ...

    @abstractmethod
    async def add_async(self, first: int, second: int = 1, *, third: int = 0) -> int: ...

    @abstractmethod
    @raises(OutOfStock)
    def buy(self, item: str) -> None: ...

    @abstractmethod
    def secret_failure(self) -> None: ...

    @abstractmethod
    def wait_for_release(self) -> str: ...

    @abstractmethod
    async def release(self) -> None: ...

    @abstractmethod
    def sleep(self, seconds: float) -> None: ...


@component(services=[CatalogueService])
class CatalogueComponent(Component): ...


@implementation()
class CatalogueServiceImpl(CatalogueService):
    def __init__(self) -> None:
        self._released = threading.Event()

    def echo(self, value: Everything) -> Everything:
        return value

    async def echo_async(self, value: Everything) -> Everything:
        return value

    def add(self, first: int, second: int = 1, *, third: int = 0) -> int:
        return first + second + third

    async def add_async(self, first: int, second: int = 1, *, third: int = 0) -> int:
        await asyncio.sleep(0)
        return first + second + third

    def buy(self, item: str) -> None:
        raise OutOfStock(item, Decimal("0.50"))

    def secret_failure(self) -> None:
        raise RuntimeError("password=hunter2")

    def wait_for_release(self) -> str:
        return "released" if self._released.wait(30) else "never released"

    async def release(self) -> None:
        self._released.set()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@implementation()
class CatalogueComponentImpl(AbstractComponent, CatalogueComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = f"http://{Server.get_local_ip()}:{port}"
        return [ChannelAddress(channel, url) for channel in CHANNELS]


@module()
class CatalogueModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()
