"""A service with a route and a failing method, served for the tests of this folder."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

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
    service,
)
from service_core.di import create, module
from service_core.rest import get, rest
from service_server_fastapi import FastAPIServer

__all__ = ["Stock", "stock_server"]

logger = logging.getLogger("shop")


@service
@rest("/stock")
class Stock(Service):
    @abstractmethod
    @get("/{item}")
    def count(self, item: str) -> int: ...

    @abstractmethod
    def fail(self) -> None: ...


@component(services=[Stock])
class StockComponent(Component): ...


@implementation
class StockImpl(Stock):
    def count(self, item: str) -> int:
        logger.warning("counting %s", item)
        return len(item)

    def fail(self) -> None:
        raise ValueError("the shelf is empty")


@implementation
class StockComponentImpl(AbstractComponent, StockComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in ("dispatch-json", "rest")]


@module
class StockModule:
    @create
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


@contextmanager
def stock_server(app: FastAPI | None = None) -> Iterator[FastAPIServer]:
    with FastAPIServer("127.0.0.1", 0, app=app) as server:
        server.boot(StockModule)
        yield server
