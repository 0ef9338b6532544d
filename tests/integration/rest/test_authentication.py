"""A server that asks for tokens, and what its clients get to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from service_channels_http import HTTPXChannel
from service_core import (
    AuthorizationException,
    ChannelFactory,
    InvalidTokenException,
    MissingTokenException,
    RemoteServiceException,
    ServiceManager,
    StaticComponentRegistry,
    TokenExpiredException,
    bearer_token,
)
from service_core.testing import in_memory
from service_server_fastapi import FastAPIServer
from tests.integration.rest.gallery import CHANNELS, Gallery, GalleryImpl, GalleryModule


class Porter:
    async def verify(self, token: str) -> Any:
        await asyncio.sleep(0)  # a verifier may wait
        if token == "old":
            raise TokenExpiredException(token)
        if token == "broken":
            raise ConnectionError("no keys today")
        if token != "anns":
            raise InvalidTokenException(token)
        return "ann"


@pytest.fixture(scope="module")
def guarded() -> Iterator[FastAPIServer]:
    with FastAPIServer(host="127.0.0.1", port=0, verifier=Porter()) as server:
        server.boot(GalleryModule)
        yield server


def manager_of(server: FastAPIServer, token: str | None) -> ServiceManager:
    """A client whose channels send that token."""

    def create(cls: type[HTTPXChannel]) -> HTTPXChannel:
        channel = cls()
        if token is not None:
            channel.token_provider = lambda known=token: known
        return channel

    registry = StaticComponentRegistry({"gallery-component": dict.fromkeys(CHANNELS, server.url)})
    return ServiceManager(registry, ChannelFactory(create=create))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_caller_with_a_valid_token_may_call(guarded: FastAPIServer, channel: str) -> None:
    with manager_of(guarded, "anns") as manager:
        gallery = manager.get_service(Gallery, channel)
        assert gallery.visitor() == "anns"
        assert asyncio.run(gallery.retitle_async("a", "b")) == "a b"


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (None, MissingTokenException),
        ("stolen", InvalidTokenException),
        ("old", TokenExpiredException),
        ("broken", RemoteServiceException),
    ],
)
def test_others_get_the_same_error_over_every_channel(
    guarded: FastAPIServer, channel: str, token: str | None, kind: type[Exception]
) -> None:
    with manager_of(guarded, token) as manager:
        gallery = manager.get_service(Gallery, channel)
        errors = []
        for call in (gallery.visitor, lambda: asyncio.run(gallery.retitle_async("a", "b"))):
            with pytest.raises(kind) as caught:
                call()
            errors.append(caught.value)
        assert [type(error) for error in errors] == [kind, kind]
        assert all(token is None or token not in str(error) for error in errors if kind is not RemoteServiceException)


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
def test_services_in_memory_are_guarded_as_well(channel: str) -> None:
    with in_memory(GalleryImpl(), channel=channel, verifier=Porter(), forward_token=True) as manager:
        gallery = manager.get_service(Gallery, channel)
        with pytest.raises(MissingTokenException):
            gallery.visitor()
        with bearer_token("stolen"), pytest.raises(AuthorizationException):
            gallery.visitor()
        with bearer_token("anns"):
            assert gallery.visitor() == "anns"
            assert asyncio.run(gallery.retitle_async("a", "b")) == "a b"
