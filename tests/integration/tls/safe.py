"""A service for every kind of call over HTTP, and the channels that make them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

import httpx

from service_channels_http import DispatchJSONChannel, DispatchMSGPackChannel, HTTPXChannel, RestChannel
from service_core import (
    AbstractComponent,
    ChannelAddress,
    ChannelInstances,
    Component,
    ComponentRegistry,
    DynamicProxy,
    LocalComponentRegistry,
    Policy,
    Server,
    Service,
    component,
    health,
    implementation,
    service,
)
from service_core.declaring.catalog import default_catalog
from service_core.di import create, module
from service_core.rest import get, rest

__all__ = ["CALLS", "CHANNELS", "Call", "SafeModule", "SafeService", "bound", "opened"]


@service()
@rest("/safe")
class SafeService(Service):
    @abstractmethod
    @get("/content/{number}")
    def open(self, number: int) -> str: ...

    @abstractmethod
    @get("/content-async/{number}")
    async def open_async(self, number: int) -> str: ...


@component(services=[SafeService])
class SafeComponent(Component): ...


opened: Final[list[int]] = []
"""The numbers with which methods were executed in this process."""


@implementation()
class SafeServiceImpl(SafeService):
    def open(self, number: int) -> str:
        opened.append(number)
        return f"gold {number}"

    async def open_async(self, number: int) -> str:
        opened.append(number)
        return f"gold {number}"


@health("/safe-health")
@implementation()
class SafeComponentImpl(AbstractComponent, SafeComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(kind.name, Server.get_url(port)) for kind in CHANNELS[:3]]


@module()
class SafeModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


class CustomisedJSONChannel(DispatchJSONChannel):
    """Sends with httpx, since its clients are customised."""

    def make_client(self) -> httpx.Client:
        return super().make_client()

    def make_async_client(self) -> httpx.AsyncClient:
        return super().make_async_client()


class CustomisedMSGPackChannel(DispatchMSGPackChannel):
    """Sends with clients that were made as the documents advise."""

    def make_client(self) -> httpx.Client:
        return httpx.Client(limits=self.limits, verify=self.tls.context())

    def make_async_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(limits=self.limits, verify=self.tls.context())


class CustomisedRestChannel(RestChannel):
    """Sends with httpx, since its clients are customised."""

    def make_client(self) -> httpx.Client:
        return super().make_client()

    def make_async_client(self) -> httpx.AsyncClient:
        return super().make_async_client()


CHANNELS: Final[tuple[type[HTTPXChannel], ...]] = (
    DispatchJSONChannel,
    DispatchMSGPackChannel,
    RestChannel,
    CustomisedJSONChannel,
    CustomisedMSGPackChannel,
    CustomisedRestChannel,
)


def bound(channel: HTTPXChannel, url: str) -> SafeService:
    """The service at one address, which is asked once per call."""
    descriptor = default_catalog.component(SafeComponent)
    channel.setup(descriptor, ChannelInstances(descriptor.name, channel.name, (url,)))
    channel.customize()
    channel.policy = Policy(max_attempts=1)
    return DynamicProxy.create(SafeService, channel)


Call = Callable[[HTTPXChannel, str, int], str]


def call_sync(channel: HTTPXChannel, url: str, number: int) -> str:
    """Call the ``def`` method, and close the channel."""
    try:
        return bound(channel, url).open(number)
    finally:
        channel.close()


def call_async(channel: HTTPXChannel, url: str, number: int) -> str:
    """Call the ``async def`` method on an event loop of its own."""

    async def call() -> Any:
        return await bound(channel, url).open_async(number)

    result: str = asyncio.run(call())
    return result


CALLS: Final[tuple[Call, ...]] = (call_sync, call_async)
