"""Calls and streams of each form follow one another on one connection; what was left early is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

import pytest

from service_channels_http import connect
from service_server_fastapi import serve
from tests.integration.streams.chat import Chat, ChatImpl
from tests.integration.streams.rooms import Message, Rooms, RoomsImpl
from tests.support.proxy import FaultProxy
from tests.support.waiting import eventually

DISPATCH = pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve(ChatImpl(), RoomsImpl(), port=0) as server:
        yield server.port


@pytest.fixture
def proxy(port: int) -> Iterator[FaultProxy]:
    with FaultProxy(port) as proxy:
        yield proxy


async def given(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item


@DISPATCH
def test_async_streams_of_each_form_share_a_connection(channel: str, proxy: FaultProxy) -> None:
    async def use(chat: Chat) -> None:
        for _ in range(3):
            assert [line async for line in chat.watch("tea")] == ["tea 0", "tea 1", "tea 2"]
            assert await chat.total(1, given(2, 3)) == 6
            assert [word async for word in chat.talk(given("a", "b"))] == ["A", "B"]

    with connect(Chat, proxy.url, channel=channel) as chat:
        asyncio.run(use(chat))
    assert proxy.accepted == 1


@DISPATCH
def test_sync_streams_share_a_connection(channel: str, proxy: FaultProxy) -> None:
    with connect(Chat, proxy.url, channel=channel) as chat:
        for _ in range(3):
            assert list(chat.lines("tea")) == ["tea 0", "tea 1", "tea 2"]
            assert chat.total_sync(iter([2, 3])) == 5
    assert proxy.accepted == 1


def test_streams_over_rest_share_a_connection(proxy: FaultProxy) -> None:
    async def use(rooms: Rooms) -> None:
        for _ in range(3):
            assert [message.number async for message in rooms.watch("tea")] == [0, 1, 2]
            assert await rooms.tell("tea", given(Message(text="", no=4))) == 4

    with connect(Rooms, proxy.url, channel="rest") as rooms:
        asyncio.run(use(rooms))
        assert proxy.accepted == 1
        assert list(rooms.lines("tea", 1)) == ["tea 0"]
        assert rooms.tell_lines("tea", iter(["x"])) == "teax"
    assert proxy.accepted == 2  # one for async calls, one for sync ones


def test_an_async_stream_that_is_left_early_closes_its_connection(proxy: FaultProxy) -> None:
    async def use(chat: Chat) -> None:
        async with aclosing(cast(Any, chat.watch("endless", 1))) as lines:
            await anext(lines)
        assert [line async for line in chat.watch("tea", 1)] == ["tea 0"]

    with connect(Chat, proxy.url) as chat:
        asyncio.run(use(chat))
    assert proxy.accepted == 2
    eventually(lambda: proxy.connections == 0)


def test_a_sync_stream_that_is_left_early_closes_its_connection(proxy: FaultProxy) -> None:
    with connect(Chat, proxy.url) as chat:
        with closing(cast(Any, chat.lines("tea", 1_000_000))) as lines:
            next(lines)
        assert list(chat.lines("tea", 1)) == ["tea 0"]
        assert proxy.accepted == 2
        eventually(lambda: proxy.connections == 1)
