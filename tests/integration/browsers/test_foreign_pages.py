"""A page of another origin in a real browser tries all verbs and content types; nothing but GET runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

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
from service_core.rest import delete, get, patch, post, put, rest
from service_server_fastapi import FastAPIServer
from tests.integration.browsers.foreign_page import ForeignSite
from tests.support.chromium import open_page

pytestmark = pytest.mark.slow

TIMEOUT = 60.0
"""Seconds after which a test that hangs fails."""


@service(name="foreign-shop")
@rest("/shop")
class Shop(Service):
    @abstractmethod
    @post("/buy")
    async def buy(self, name: str) -> str: ...

    @abstractmethod
    @put("/change")
    async def store(self, name: str) -> str: ...

    @abstractmethod
    @patch("/change")
    async def change(self, name: str) -> str: ...

    @abstractmethod
    @delete("/change")
    async def remove(self, name: str) -> str: ...

    @abstractmethod
    @get("/look")
    async def look(self, name: str) -> str: ...


@component(name="foreign", services=[Shop])
class ShopComponent(Component): ...


@implementation()
class ShopImpl(Shop):
    def __init__(self) -> None:
        self.ran: list[str] = []

    async def buy(self, name: str) -> str:
        return self._run(name)

    async def store(self, name: str) -> str:
        return self._run(name)

    async def change(self, name: str) -> str:
        return self._run(name)

    async def remove(self, name: str) -> str:
        return self._run(name)

    async def look(self, name: str) -> str:
        return self._run(name)

    def _run(self, name: str) -> str:
        self.ran.append(name)
        return name


@implementation()
class ShopComponentImpl(AbstractComponent, ShopComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("rest", Server.get_url(port))]


@contextmanager
def serving(app: FastAPI | None = None) -> Iterator[tuple[FastAPIServer, ShopImpl]]:
    shop = ShopImpl()

    @module()
    class ShopModule:
        @create()
        def create_shop(self) -> ShopImpl:
            return shop

        @create()
        def create_component(self) -> ShopComponentImpl:
            return ShopComponentImpl()

        @create()
        def create_registry(self) -> ComponentRegistry:
            return LocalComponentRegistry()

    with FastAPIServer("127.0.0.1", 0, app) as server:
        server.boot(ShopModule)
        yield server, shop


def visit(server: FastAPIServer, *, server_host: str, page_host: str) -> dict[str, object]:
    """What the page of a foreign site reports about the server."""
    site = ForeignSite(f"http://{server_host}:{urlsplit(server.url).port}")
    hosts = {"*.example": "127.0.0.1"}
    with site.serving(), open_page(f"http://{page_host}:{site.port}/", hosts=hosts):
        assert site.reported.wait(TIMEOUT), "the page did not report"
    return dict(map(tuple, site.report))


SITES = pytest.mark.parametrize(
    ("server_host", "page_host"),
    [
        pytest.param("127.0.0.1", "localhost", id="another site"),
        pytest.param("127.0.0.1", "127.0.0.1", id="another port"),
        pytest.param("shop.example", "other.example", id="without Sec-Fetch headers"),
    ],
)


@SITES
@pytest.mark.parametrize("with_middleware", [False, True])
def test_nothing_but_get_runs_for_a_page_of_another_origin(
    server_host: str, page_host: str, with_middleware: bool
) -> None:
    app = FastAPI()
    if with_middleware:
        app.add_middleware(CORSMiddleware, allow_origins=["http://somewhere.else"])
    with serving(app) as (server, shop):
        seen = visit(server, server_host=server_host, page_host=page_host)
    assert set(shop.ran) == {"get no-cors", "get cors"}
    assert seen["form text/plain"] == "loaded"  # the attempts were made to the last one
    assert len(seen) > 60


def test_an_origin_that_the_cors_middleware_allows_sends_json() -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_methods=["*"], allow_headers=["*"])
    with serving(app) as (server, shop):
        visit(server, server_host="127.0.0.1", page_host="localhost")
    ran = set(shop.ran)
    assert {"post cors application/json omit", "invoke json cors", "PUT cors", "DELETE cors", "PATCH cors"} <= ran
    assert not [name for name in ran if "text" in name or "form" in name or name.startswith(("post no-cors", "beacon"))]
