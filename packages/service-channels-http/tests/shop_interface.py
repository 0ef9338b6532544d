"""A small interface, a server for it that speaks the wire format, and the ways to call it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import BaseModel
from scripted_server import Received

from service_channels_http import DispatchJSONChannel, DispatchMSGPackChannel, HTTPXChannel, RestChannel
from service_core import (
    Catalog,
    ChannelInstances,
    Component,
    DynamicProxy,
    Service,
    component,
    idempotent,
    raises,
    service,
)
from service_core.rest import PROBLEM_TYPE, Problem, get, post, rest
from service_core.wire import CODECS, MethodCodec, WireError, error_to_wire

catalog = Catalog()


class Item(BaseModel):
    """A nested model."""

    name: str
    price: float = 0.0


@dataclass
class Order:
    """A nested dataclass."""

    number: int
    items: list[Item] = field(default_factory=list)
    picture: bytes = b""
    placed: datetime | None = None


@dataclass
class OrderNotFound(Exception):
    """A declared error."""

    number: int


@service(name="shop", catalog=catalog)
@rest("/shop")
class Shop(Service):
    """Each method twice: for sync and async callers."""

    @abstractmethod
    @post("/orders")
    def place(self, order: Order, copies: int = 1) -> list[Order]:
        """Not idempotent."""

    @abstractmethod
    @post("/async/orders")
    async def place_async(self, order: Order, copies: int = 1) -> list[Order]:
        """Not idempotent."""

    @abstractmethod
    @idempotent
    @get("/orders/{number}")
    @raises(OrderNotFound)
    def find(self, number: int) -> Order:
        """Idempotent."""

    @abstractmethod
    @idempotent
    @get("/async/orders/{number}")
    @raises(OrderNotFound)
    async def find_async(self, number: int) -> Order:
        """Idempotent."""


@component(name="shop-component", services=[Shop], catalog=catalog)
class ShopComponent(Component):
    """Its component."""


COMPONENT: Final = catalog.component(ShopComponent)
SHOP: Final = catalog.service(Shop)


class HTTPXJSONChannel(DispatchJSONChannel):
    """Sends with httpx, since its clients are customised."""

    def make_client(self) -> httpx.Client:
        return super().make_client()

    def make_async_client(self) -> httpx.AsyncClient:
        return super().make_async_client()


class HTTPXMSGPackChannel(DispatchMSGPackChannel):
    """Sends with httpx, since its clients are customised."""

    def make_client(self) -> httpx.Client:
        return super().make_client()

    def make_async_client(self) -> httpx.AsyncClient:
        return super().make_async_client()


CHANNELS: Final[tuple[type[HTTPXChannel], ...]] = (
    DispatchJSONChannel,
    DispatchMSGPackChannel,
    HTTPXJSONChannel,
    HTTPXMSGPackChannel,
)
"""Both formats over both transports."""


class HTTPXRestChannel(RestChannel):
    """Sends with httpx, since its clients are customised."""

    def make_client(self) -> httpx.Client:
        return super().make_client()

    def make_async_client(self) -> httpx.AsyncClient:
        return super().make_async_client()


ALL_CHANNELS: Final[tuple[type[HTTPXChannel], ...]] = (*CHANNELS, RestChannel, HTTPXRestChannel)
"""And plain requests over both transports."""


def bound(channel: HTTPXChannel, *urls: str) -> HTTPXChannel:
    """The channel, bound to the component at these addresses; the first one is asked first."""
    channel.setup(COMPONENT, ChannelInstances(COMPONENT.name, channel.name, urls))
    channel.customize()
    channel.select_first_url()
    return channel


def shop_over(channel: HTTPXChannel) -> Shop:
    """A proxy over the channel."""
    return DynamicProxy.create(Shop, channel, catalog=catalog)


Call = Callable[..., Any]
"""Calls a method of a shop by its sync name."""


def call_sync(shop: Shop, method: str, *args: Any, **kwargs: Any) -> Any:
    """Call the ``def`` method."""
    return getattr(shop, method)(*args, **kwargs)


def call_async(shop: Shop, method: str, *args: Any, **kwargs: Any) -> Any:
    """Call the ``async def`` method on an event loop of its own."""

    async def call() -> Any:
        return await getattr(shop, f"{method}_async")(*args, **kwargs)

    return asyncio.run(call())


CALLS: Final[tuple[Call, ...]] = (call_sync, call_async)


def dispatch(request: Received) -> None:
    """Run the method as a server would, and answer with its outcome."""
    codec = CODECS[request.headers["content-type"]]
    asked = codec.read_request(request.body)
    plan = PLANS[asked.method]
    try:
        body = codec.write_result(plan, _run(plan.method.name, *codec.read_arguments(plan, asked)))
    except (OrderNotFound, RuntimeError) as error:
        body = codec.write_error(error_to_wire(error, declared=plan.errors, correlation_id="c-1"))
    request.answer(200, body, codec.content_type)


def refuse(status: int, error: WireError, **headers: str) -> Callable[[Received], None]:
    """A script that refuses in the format of the request."""

    def script(request: Received) -> None:
        if request.path != "/invoke":
            request.answer(status, Problem.of(error, status=status).to_json(), PROBLEM_TYPE, **headers)
            return
        codec = CODECS[request.headers["content-type"]]
        request.answer(status, codec.write_error(error), codec.content_type, **headers)

    return script


def outcome(error: WireError) -> Callable[[Received], None]:
    """A script that answers with a failure of the method, in the format of the request."""

    def script(request: Received) -> None:
        if request.path != "/invoke":
            problem = Problem.of(error, executed=True)
            request.answer(problem.status, problem.to_json(), PROBLEM_TYPE)
            return
        codec = CODECS[request.headers["content-type"]]
        request.answer(200, codec.write_error(error), codec.content_type)

    return script


PLANS: Final = {plan.name: plan for plan in (MethodCodec(COMPONENT, SHOP, method) for method in SHOP.methods.values())}


def _run(method: str, *args: Any) -> Any:
    if method.startswith("place"):
        order, copies = (*args, 1)[:2]
        return [order] * copies
    if args[0] < 0:
        raise OrderNotFound(args[0])
    if args[0] == 0:
        raise RuntimeError("a secret")
    return Order(args[0], [Item(name="tea", price=2.5)])
