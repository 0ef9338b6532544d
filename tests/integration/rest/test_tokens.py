"""Who a call is made for: tokens and headers of channels, and the caller's token on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from service_channels_http import HTTPXChannel
from service_core import (
    ChannelFactory,
    LocalServiceException,
    ServiceManager,
    StaticComponentRegistry,
    bearer_token,
)
from service_server_fastapi import FastAPIServer
from tests.integration.rest.gallery import CHANNELS, Gallery

Customize = Callable[[HTTPXChannel], None]


@contextmanager
def gallery_at(url: str, channel: str, customize: Customize) -> Iterator[Gallery]:
    """The gallery over a channel that was customised, as advice on ``customize`` would."""

    def create(cls: type[Any]) -> Any:
        class Customized(cls):  # type: ignore[misc]
            def customize(self) -> None:
                customize(self)

        Customized.name = channel
        return Customized()

    registry = StaticComponentRegistry({"gallery-component": {channel: url}})
    with ServiceManager(registry, ChannelFactory(create=create)) as manager:
        yield manager.get_service(Gallery)


def with_token(token: str) -> Customize:
    def customize(channel: HTTPXChannel) -> None:
        channel.token_provider = lambda: token

    return customize


def forwarding(channel: HTTPXChannel) -> None:
    channel.forward_token = True
    channel.token_provider = lambda: "own"


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_token_is_sent_by_default(server: FastAPIServer, channel: str) -> None:
    with gallery_at(server.url, channel, lambda channel: None) as gallery, bearer_token("callers"):
        assert gallery.visitor() is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_has_a_token_of_its_own(server: FastAPIServer, channel: str) -> None:
    with gallery_at(server.url, channel, with_token("own")) as gallery, bearer_token("callers"):
        assert gallery.visitor() == "own"


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_provider_is_called_for_every_call(server: FastAPIServer, channel: str) -> None:
    tokens = iter(["first", "second"])

    def customize(channel: HTTPXChannel) -> None:
        channel.token_provider = lambda: next(tokens)

    with gallery_at(server.url, channel, customize) as gallery:
        assert [gallery.visitor(), gallery.visitor()] == ["first", "second"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_callers_token_goes_where_it_is_allowed(server: FastAPIServer, channel: str) -> None:
    with gallery_at(server.url, channel, forwarding) as gallery:
        with bearer_token("callers"):
            assert gallery.visitor() == "callers"
        assert gallery.visitor() == "own"


@pytest.mark.parametrize("channel", CHANNELS)
def test_headers_go_with_every_call(server: FastAPIServer, channel: str) -> None:
    def customize(channel: HTTPXChannel) -> None:
        channel.headers["Authorization"] = "Bearer fixed"

    with gallery_at(server.url, channel, customize) as gallery:
        assert gallery.visitor() == "fixed"


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_async_provider_is_awaited(server: FastAPIServer, channel: str) -> None:
    asked = []

    async def token() -> str:
        await asyncio.sleep(0)
        asked.append(True)
        return "own"

    def customize(channel: HTTPXChannel) -> None:
        channel.token_provider = token

    with gallery_at(server.url, channel, customize) as gallery:
        assert asyncio.run(gallery.painting_async("a")).title == "a"
        assert asked == [True]
        with pytest.raises(LocalServiceException) as error:
            gallery.visitor()
        assert "the channel's token_provider is async, but the method is not" in str(error.value)


class InterceptingClient(httpx.Client):
    """The client of the seed, which adds its token to each request."""

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> httpx.Response:
        headers = dict(kwargs.pop("headers", {}))
        headers["Authorization"] = "Bearer intercepted"
        return super().request(method, url, *args, headers=headers, **kwargs)


def _sign(request: httpx.Request) -> None:
    request.headers["authorization"] = "Bearer hooked"


async def _sign_async(request: httpx.Request) -> None:
    _sign(request)


CLIENTS: dict[str, tuple[Callable[[], httpx.Client], str]] = {
    "a client of the seed": (InterceptingClient, "intercepted"),
    "an event hook": (lambda: httpx.Client(event_hooks={"request": [_sign]}), "hooked"),
    "auth": (lambda: httpx.Client(auth=lambda request: _signed(request)), "hooked"),
    "headers of the client": (lambda: httpx.Client(headers={"authorization": "Bearer default"}), "default"),
}


def _signed(request: httpx.Request) -> httpx.Request:
    _sign(request)
    return request


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", CLIENTS)
def test_clients_of_the_user_send_what_they_add(server: FastAPIServer, channel: str, name: str) -> None:
    make, token = CLIENTS[name]

    def customize(channel: HTTPXChannel) -> None:
        channel.make_client = make  # type: ignore[method-assign]

    with gallery_at(server.url, channel, customize) as gallery:
        assert gallery.visitor() == token
