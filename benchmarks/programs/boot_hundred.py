"""Declares, implements and boots a hundred services with four methods each; prints the milliseconds that it took."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from typing import Any

from pydantic import BaseModel

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    LocalComponentRegistry,
    Service,
    component,
    implementation,
    service,
)
from service_core.di import create, module
from service_server_fastapi import FastAPIServer

logging.disable(logging.CRITICAL)


class Line(BaseModel):
    """A part of an order."""

    article: str
    amount: int
    price: float


class Order(BaseModel):
    """A nested value."""

    number: int
    customer: str
    lines: list[Line]


def declare(number: int) -> type[Service]:
    """One interface and its implementation."""

    @service(name=f"service-{number}")
    class Numbered(Service):
        @abstractmethod
        def hello(self, message: str) -> str: ...

        @abstractmethod
        async def order(self, order: Order) -> Order: ...

        @abstractmethod
        async def orders(self, numbers: list[int], *, customer: str = "") -> list[Order]: ...

        @abstractmethod
        async def cancel(self, number: int) -> None: ...

    @implementation()
    class NumberedImpl(Numbered):
        def hello(self, message: str) -> str:
            return message

        async def order(self, order: Order) -> Order:
            return order

        async def orders(self, numbers: list[int], *, customer: str = "") -> list[Order]:
            return [Order(number=number, customer=customer, lines=[]) for number in numbers]

        async def cancel(self, number: int) -> None: ...

    return Numbered


def main() -> None:
    """Measure once."""
    begin = time.perf_counter()
    services = [declare(number) for number in range(100)]

    @component(name="hundred", services=services)
    class Hundred(Component): ...

    @implementation()
    class HundredImpl(AbstractComponent, Hundred):
        def get_addresses(self, port: int) -> list[ChannelAddress]:
            return [ChannelAddress("dispatch-json", f"http://127.0.0.1:{port}")]

    @module()
    class HundredModule:
        @create()
        def create_registry(self) -> ComponentRegistry:
            return LocalComponentRegistry()

    server: Any = FastAPIServer(host="127.0.0.1", port=0)
    server.boot(HundredModule)
    print((time.perf_counter() - begin) * 1000)
    server.stop()


if __name__ == "__main__":
    main()
