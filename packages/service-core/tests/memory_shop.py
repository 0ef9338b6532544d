"""Services for the tests of routes and managers, and channels that carry calls no further than memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from service_core.addresses import ChannelAddress
from service_core.calling.channel import Channel
from service_core.calling.proxy import Invocation
from service_core.calling.router import Router
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel, component, service
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import Component, Service
from service_core.errors import ComponentUnavailableException
from service_core.registry.base import LocalComponentRegistry, snapshot_of

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def place(self) -> str: ...

    @abstractmethod
    async def place_later(self) -> str: ...


@service(catalog=CATALOG)
class Invoices(Service):
    @abstractmethod
    def write(self) -> str: ...


@component("shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


@component("office", services=[Invoices], catalog=CATALOG)
class Office(Component): ...


@implementation(inline=True, catalog=CATALOG)
class OrdersImpl(Orders):
    def place(self) -> str:
        return "placed here"

    async def place_later(self) -> str:
        return "placed here"


@implementation(catalog=CATALOG)
class InvoicesImpl(Invoices):
    def write(self) -> str:
        return "written here"


class Memory(Channel):
    """Answers with its name and the address that it chose."""

    made: list[Memory]
    before: list[Callable[[], None]]
    """What happens before a call asks for an address, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []
        Memory.made.append(self)

    @staticmethod
    def forget() -> None:
        """Begin another test."""
        Memory.made, Memory.before = [], []

    def invoke(self, invocation: Invocation) -> Any:
        if Memory.before:
            Memory.before.pop()()
        return f"{self.name} at {self.get_url()}"

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)

    def close(self) -> None:
        self.ended.append("close")

    async def aclose(self) -> None:
        self.ended.append("aclose")


@channel("json", catalog=CATALOG)
class JSON(Memory): ...


@channel("rest", catalog=CATALOG)
class Rest(Memory): ...


class SilentRegistry(LocalComponentRegistry):
    """Knows nothing before a test says it."""

    def follow(self, component: str) -> None: ...

    def offer(self, *channels: str, url: str = "http://h") -> None:
        """Offer the shop over these channels, and no others."""
        self.publish("shop", snapshot_of("shop", [[ChannelAddress(name, url) for name in channels]]))


def invocation(method: str = "place") -> Invocation:
    """A call of the shop."""
    descriptor = CATALOG.service(Orders)
    return Invocation(descriptor, descriptor.methods[method])


def call(route: Router) -> str:
    """Place an order, over the channel that the router chooses."""
    answer: str = route.invoke(invocation())
    return answer


def unavailable(route: Router) -> str:
    """The message of a call that no instance can answer."""
    with pytest.raises(ComponentUnavailableException) as caught:
        call(route)
    return str(caught.value)
