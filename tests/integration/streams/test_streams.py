"""Streams over real sockets: what comes, what ends them, and that generators are closed in every case."""

from __future__ import annotations

import asyncio
import gc
import json
import queue
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

import httpx
import pytest

from service_channels_http import connect
from service_core import (
    ArgumentException,
    DeadlineExceeded,
    LocalServiceException,
    Policy,
    RemoteServiceException,
    ServiceCommunicationException,
    awaitable,
    blocking,
    deadline,
)
from service_core.wire.streams import STREAM_TYPES, FrameKind, frame
from service_server_fastapi import FastAPIServer, serve
from service_server_fastapi.settings import ServerSettings
from tests.integration.streams.chat import Chat, ChatImpl, RoomClosed

FORMS = pytest.mark.parametrize("form", ["async", "sync"])
CHANNELS = pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])


@pytest.fixture
def chat_impl() -> ChatImpl:
    return ChatImpl()


@pytest.fixture
def server(chat_impl: ChatImpl) -> Iterator[FastAPIServer]:
    with serve(chat_impl, port=0) as server:
        yield server


@pytest.fixture
def url(server: FastAPIServer) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def chat(url: str) -> Iterator[Chat]:
    with connect(Chat, url) as chat:
        yield chat


async def counted(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def drain(chat: Chat, form: str, room: str, count: int = 3) -> tuple[list[str], BaseException | None]:
    """The items and the error of a stream, read in either form."""
    items: deque[str] = deque()

    async def read() -> None:
        async for item in chat.watch(room, count):
            items.append(item)

    try:
        if form == "async":
            asyncio.run(read())
        else:
            for item in chat.lines(room, count):
                items.append(item)
    except Exception as error:  # noqa: BLE001 - the caller looks at it
        return list(items), error
    return list(items), None


@FORMS
@CHANNELS
def test_items_come_in_order_and_the_generator_ends(chat_impl: ChatImpl, url: str, channel: str, form: str) -> None:
    with connect(Chat, url, channel=channel) as chat:
        assert drain(chat, form, "tea", 1000) == ([f"tea {number}" for number in range(1000)], None)
        assert drain(chat, form, "tea", 0) == ([], None)
    assert chat_impl.ended.wait(10)


@FORMS
@pytest.mark.parametrize("count", [0, 2])
def test_a_declared_error_comes_after_the_items_before_it(
    chat: Chat, chat_impl: ChatImpl, form: str, count: int
) -> None:
    items, error = drain(chat, form, "closed", count)
    assert items == [f"closed {number}" for number in range(count)]
    assert isinstance(error, RoomClosed)
    assert error.room == "closed"
    assert chat_impl.ended.wait(10)


@FORMS
def test_another_error_comes_without_its_message(chat: Chat, form: str) -> None:
    items, error = drain(chat, form, "broken")
    assert len(items) == 3
    assert isinstance(error, RemoteServiceException)
    assert (error.type, "secret" in str(error)) == ("KeyError", False)


@FORMS
def test_closing_a_stream_ends_the_generator(chat: Chat, chat_impl: ChatImpl, form: str) -> None:
    async def read_one() -> str:
        async with aclosing(cast(Any, chat.watch("endless"))) as items:
            return str(await anext(items))

    if form == "async":
        assert asyncio.run(read_one()) == "endless 0"
    else:
        with closing(cast(Any, chat.lines("endless"))) as items:
            assert next(items) == "endless 0"
    assert chat_impl.ended.wait(10)


@FORMS
def test_dropping_the_last_reference_ends_the_generator(chat: Chat, chat_impl: ChatImpl, form: str) -> None:
    async def read_one() -> None:
        items = chat.watch("endless")
        assert await anext(items) == "endless 0"
        del items
        gc.collect()
        assert await asyncio.to_thread(chat_impl.ended.wait, 10)

    if form == "async":
        asyncio.run(read_one())
    else:
        assert next(chat.lines("endless")) == "endless 0"
        gc.collect()
    assert chat_impl.ended.wait(10)


@FORMS
@pytest.mark.parametrize(
    ("policy", "count"),
    [
        (Policy(timeout=1.0), 0),  # in which the generator begins, also on a busy machine
        (Policy(idle_timeout=0.3), 2),
        (Policy(timeout=20.0, total_timeout=1.0), 2),
    ],
    ids=["first item", "idle", "total"],
)
def test_each_limit_ends_the_stream_and_the_generator(
    chat_impl: ChatImpl, url: str, policy: Policy, count: int, form: str
) -> None:
    with connect(Chat, url, policy=policy) as chat:
        items, error = drain(chat, form, "endless", count)
    assert len(items) == count
    assert isinstance(error, DeadlineExceeded)
    assert chat_impl.ended.wait(10)


def test_a_deadline_block_limits_the_whole_stream(chat: Chat, chat_impl: ChatImpl) -> None:
    with deadline(1.0):
        items, error = drain(chat, "async", "endless", 2)
    assert len(items) == 2
    assert isinstance(error, DeadlineExceeded)
    assert chat_impl.ended.wait(10)


def test_a_slow_reader_slows_the_generator(chat: Chat, chat_impl: ChatImpl) -> None:
    async def read_one() -> int:
        async with aclosing(cast(Any, chat.watch("x" * 10_000, 1_000_000))) as items:
            await anext(items)
            produced = -1
            while produced != chat_impl.produced:  # until it stands still
                produced = chat_impl.produced
                await asyncio.sleep(0.5)
            return produced

    assert asyncio.run(read_one()) < 2000
    assert chat_impl.ended.wait(10)


def test_a_reader_may_pause_for_longer_than_a_response_may_wait(chat_impl: ChatImpl) -> None:
    with (
        serve(chat_impl, port=0, settings=ServerSettings(receive_timeout=0.3)) as server,
        connect(Chat, f"http://127.0.0.1:{server.port}") as chat,
        closing(cast(Any, chat.lines("x" * 200_000, 100))) as items,
    ):
        next(items)
        time.sleep(1.5)  # the server cannot write meanwhile
        assert len(list(items)) == 99


def test_a_stream_as_argument_is_read_whole(chat: Chat) -> None:
    assert asyncio.run(chat.total(1, counted(1000), factor=2)) == 1 + 2 * sum(range(1000))
    assert chat.total_sync(iter(range(1000))) == sum(range(1000))


def test_an_error_of_the_callers_iterator_is_the_callers_and_cancels_the_call(chat: Chat, chat_impl: ChatImpl) -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        assert await asyncio.to_thread(chat_impl.begun.wait, 10)
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(chat.total(0, broken()))
    assert chat_impl.ended.wait(10)


def test_a_call_that_is_cancelled_before_it_has_arrived_does_not_run(
    server: FastAPIServer, chat_impl: ChatImpl
) -> None:
    envelope = b'{"method": "stream-chat:stream-chat:total", "args": [0]}'
    head = (
        "POST /invoke HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
        f"content-type: {STREAM_TYPES['application/json']}\r\n\r\n"
    ).encode()
    sent = frame(FrameKind.CALL, envelope)[:-1]  # all but its last byte
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(head + b"%x\r\n%b\r\n" % (len(sent), sent))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""  # the server has seen the end, and says nothing
    assert not chat_impl.ended.is_set()


def test_an_item_that_does_not_fit_is_refused_at_the_caller(chat: Chat) -> None:
    with pytest.raises(ArgumentException, match=r"Chat\.total_sync: items of parameter 'numbers'"):
        chat.total_sync(iter(cast(Any, ["x"])))


@CHANNELS
def test_a_conversation_answers_each_item_before_the_next_is_sent(chat_impl: ChatImpl, url: str, channel: str) -> None:
    async def talk(chat: Chat) -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def words() -> AsyncIterator[str]:
            for word in ("a", "b", "c"):
                yield word
                assert await heard.get() == word.upper()

        answers: list[str] = []
        async for answer in chat.talk(words()):
            answers.append(answer)
            heard.put_nowait(answer)
        return answers

    with connect(Chat, url, channel=channel) as chat:
        assert asyncio.run(talk(chat)) == ["A", "B", "C"]
    assert chat_impl.ended.wait(10)


def test_a_conversation_in_sync_code(chat: Chat, chat_impl: ChatImpl) -> None:
    heard: queue.Queue[str] = queue.Queue()

    def words() -> Iterator[str]:
        for word in ("a", "b", "c"):
            yield word
            assert heard.get(timeout=10) == word.upper()

    answers: list[str] = []
    for answer in chat.talk_sync(words()):
        answers.append(answer)
        heard.put(answer)
    assert answers == ["A", "B", "C"]
    assert chat_impl.ended.wait(10)


def test_leaving_a_conversation_in_sync_code_ends_the_method(chat: Chat, chat_impl: ChatImpl) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "a"

    with closing(cast(Any, chat.talk_sync(endless()))) as answers:
        assert next(answers) == "A"
    assert chat_impl.ended.wait(10)


def test_streams_have_the_other_form(chat: Chat, chat_impl: ChatImpl) -> None:
    assert list(blocking(chat.watch)("tea", 3)) == ["tea 0", "tea 1", "tea 2"]
    assert blocking(chat.total)(1, counted(10)) == 46
    with closing(blocking(chat.watch)("endless", 1)) as items:
        chat_impl.ended.clear()
        assert next(items) == "endless 0"
    assert chat_impl.ended.wait(10)

    async def use() -> None:
        assert [item async for item in awaitable(chat.lines)("tea", 2)] == ["tea 0", "tea 1"]
        assert await awaitable(chat.total_sync)(iter(range(10))) == 45
        with pytest.raises(LocalServiceException, match=r"write 'async for item in Chat\.watch"):
            blocking(chat.watch)("tea")

    asyncio.run(use())


def test_a_server_that_stops_ends_streams_with_that_reason(
    chat_impl: ChatImpl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_SERVER_DRAIN_TIMEOUT", "0.2")
    with serve(chat_impl, port=0) as server, connect(Chat, f"http://127.0.0.1:{server.port}") as chat:

        async def read() -> None:
            async for _ in chat.watch("endless", 1):
                asyncio.get_running_loop().run_in_executor(None, server.stop)

        with pytest.raises(ServiceCommunicationException, match="the server stops"):
            asyncio.run(read())
    assert chat_impl.ended.wait(10)


def test_a_client_that_knows_no_streams_sees_frames(url: str) -> None:
    body = {"method": "stream-chat:stream-chat:watch", "args": ["tea", 2]}
    answer = httpx.post(f"{url}/invoke", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.service.stream+json")
    assert answer.headers["x-accel-buffering"] == "no"
    assert b'["tea 0","tea 1"]' in answer.content


def test_a_call_without_its_stream_is_refused_with_the_type_to_send(url: str) -> None:
    body = {"method": "stream-chat:stream-chat:total_sync", "args": []}
    answer = httpx.post(f"{url}/invoke", json=body)
    assert answer.status_code == 422
    assert "application/vnd.service.stream+json" in answer.json()["exception"]["message"]


def test_bytes_that_are_no_frames_are_refused(url: str) -> None:
    answer = httpx.post(
        f"{url}/invoke", content=b"no frames" * 3, headers={"content-type": "application/vnd.service.stream+json"}
    )
    assert answer.status_code == 400
    assert "frame" in json.loads(answer.content)["exception"]["message"]


def test_a_client_that_vanishes_ends_the_generator(server: FastAPIServer, chat_impl: ChatImpl) -> None:
    content = b'{"method": "stream-chat:stream-chat:watch", "args": ["endless", 1]}'
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        head = f"POST /invoke HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(content)}"
        client.sendall(head.encode() + b"\r\n\r\n" + content)
        assert b"200" in client.recv(100)
    assert chat_impl.ended.wait(10)
