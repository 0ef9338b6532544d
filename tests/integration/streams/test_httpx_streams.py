"""Streams that are sent with httpx: one way at a time, over each channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

import pytest

from service_channels_http import connect
from service_core import (
    DeadlineExceeded,
    LocalServiceException,
    Policy,
    RemoteServiceException,
    ServiceCommunicationException,
)
from service_server_fastapi import serve
from tests.integration.streams.chat import Chat, ChatImpl, RoomClosed
from tests.integration.streams.rooms import Message, NoSuchRoom, Rooms, RoomsImpl

CHANNELS = pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])


@pytest.fixture(scope="module")
def impls() -> tuple[ChatImpl, RoomsImpl]:
    return ChatImpl(), RoomsImpl()


@pytest.fixture(scope="module")
def url(impls: tuple[ChatImpl, RoomsImpl]) -> Iterator[str]:
    with serve(*impls, port=0) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(autouse=True)
def _sent_with_httpx(monkeypatch: pytest.MonkeyPatch, impls: tuple[ChatImpl, RoomsImpl]) -> None:
    monkeypatch.setenv("SERVICE_HTTP_TRANSPORT", "httpx")
    for impl in impls:
        impl.ended.clear()


async def counted(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@CHANNELS
def test_results_come_item_by_item(url: str, channel: str) -> None:
    async def read(chat: Chat) -> list[str]:
        return [item async for item in chat.watch("tea", 1000)]

    expected = [f"tea {number}" for number in range(1000)]
    with connect(Chat, url, channel=channel) as chat:
        assert list(chat.lines("tea", 1000)) == expected
        assert asyncio.run(read(chat)) == expected


@CHANNELS
def test_arguments_go_item_by_item(url: str, channel: str) -> None:
    with connect(Chat, url, channel=channel) as chat:
        assert asyncio.run(chat.total(1, counted(1000), factor=2)) == 1 + 2 * sum(range(1000))
        assert chat.total_sync(iter(range(1000))) == sum(range(1000))


def test_rest_goes_both_ways_in_turn(url: str) -> None:
    async def messages() -> AsyncIterator[Message]:
        for number in range(10):
            yield Message(text="x", no=number)

    with connect(Rooms, url, channel="rest") as rooms:
        assert list(rooms.lines("tea", 2)) == ["tea 0", "tea 1"]
        assert asyncio.run(rooms.tell("tea", messages())) == sum(range(10))
        assert rooms.tell_lines("tea", iter(["a", "b"])) == "teaab"
        with pytest.raises(NoSuchRoom):
            list(rooms.lines("missing", 0))


def test_errors_come_after_the_items_before_them(url: str) -> None:
    items: list[str] = []
    with connect(Chat, url) as chat:
        with pytest.raises(RoomClosed):
            items.extend(chat.lines("closed", 2))
        with pytest.raises(RemoteServiceException):
            list(chat.lines("broken", 2))


@pytest.mark.parametrize("form", ["async", "sync"])
def test_closing_a_stream_ends_the_generator(url: str, impls: tuple[ChatImpl, RoomsImpl], form: str) -> None:
    async def read_one(chat: Chat) -> None:
        async with aclosing(cast(Any, chat.watch("endless"))) as items:
            assert await anext(items) == "endless 0"

    with connect(Chat, url) as chat:
        if form == "async":
            asyncio.run(read_one(chat))
        else:
            with closing(cast(Any, chat.lines("endless"))) as items:
                assert next(items) == "endless 0"
        assert impls[0].ended.wait(10)


@pytest.mark.parametrize("policy", [Policy(timeout=2.0), Policy(total_timeout=2.0)], ids=["first item", "total"])
def test_each_limit_ends_an_async_stream(url: str, impls: tuple[ChatImpl, RoomsImpl], policy: Policy) -> None:
    async def read(chat: Chat) -> None:
        assert [item async for item in chat.watch("tea", 1)] == ["tea 0"]  # there is a client
        impls[0].ended.clear()
        async for _ in chat.watch("endless", 0 if policy.timeout == 2.0 else 1):
            pass

    with connect(Chat, url, policy=policy) as chat, pytest.raises(DeadlineExceeded):
        asyncio.run(read(chat))
    assert impls[0].ended.wait(10)


def test_a_sync_stream_that_pauses_too_long_is_ended(url: str, impls: tuple[ChatImpl, RoomsImpl]) -> None:
    with connect(Chat, url, policy=Policy(idle_timeout=0.3)) as chat, pytest.raises(DeadlineExceeded):
        list(chat.lines("endless", 1))
    assert impls[0].ended.wait(10)


@pytest.mark.parametrize("form", ["async", "sync"])
def test_an_error_of_the_callers_iterator_is_the_callers(url: str, form: str) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise TimeoutError("mine")

    async def broken_async() -> AsyncIterator[int]:
        yield 1
        raise TimeoutError("mine")

    with connect(Chat, url) as chat:
        calls = {"sync": lambda: chat.total_sync(broken()), "async": lambda: asyncio.run(chat.total(0, broken_async()))}
        with pytest.raises(TimeoutError, match="mine"):
            calls[form]()


def test_both_ways_at_once_are_refused_with_the_reason(url: str) -> None:
    async def talk(chat: Chat) -> None:
        async def words() -> AsyncIterator[str]:
            yield "a"

        async for _ in chat.talk(words()):
            pass

    with (
        connect(Chat, url) as chat,
        pytest.raises(LocalServiceException, match="both ways at once"),
    ):
        asyncio.run(talk(chat))


def test_a_server_that_is_not_there_is_named() -> None:
    with (
        connect(Chat, "http://127.0.0.1:9") as chat,
        pytest.raises(ServiceCommunicationException, match=r"127\.0\.0\.1:9"),
    ):
        list(chat.lines("tea"))
