"""A connection of an event loop, over a pair of sockets."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from scripted_server import WAIT

from service_channels_http import HTTPRequest
from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.origin import Origin
from service_core import Deadline, DeadlineExceeded, ServiceCommunicationException

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HEAD = b"POST / HTTP/1.1\r\n\r\n"


class SyncConnection(AsyncConnection):
    """Sets an event when the loop has notified it."""

    def __init__(self) -> None:
        super().__init__()
        self.was_told = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.was_told.set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.was_told.set()


Pair = tuple[SyncConnection, socket.socket]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """A connection, and the other side."""
    own, other = socket.socketpair()
    _, connection = await asyncio.get_running_loop().create_connection(SyncConnection, sock=own)
    yield connection, other
    connection.close()
    other.close()
    await asyncio.sleep(0)  # the loop closes it in its next turn


def request(seconds: float | None = WAIT) -> HTTPRequest:
    return HTTPRequest(url="http://h/", headers={}, deadline=Deadline.after(seconds), caller="A.b")


async def timers() -> None:
    """Run the timers that are due."""
    for _ in range(3):
        await asyncio.sleep(0)


async def call(pair: Pair, seconds: float | None = WAIT) -> bytes:
    connection, other = pair
    waiter = connection.exchange(request(seconds), HEAD, 1000)
    other.send(ANSWER)
    return (await waiter).content


async def test_one_call_after_the_other_is_answered(pair: Pair) -> None:
    assert [await call(pair), await call(pair, None), await call(pair)] == [b"ok"] * 3
    assert pair[0].is_fresh()
    assert pair[1].recv(1000) == HEAD * 3


@pytest.mark.parametrize("said", [ANSWER, b"\0"])
async def test_what_is_said_between_two_calls_ends_the_connection(pair: Pair, said: bytes) -> None:
    connection, other = pair
    await call(pair)
    connection.was_told.clear()
    other.send(said)
    assert not connection.is_fresh()
    await asyncio.wait_for(connection.was_told.wait(), WAIT)
    assert not connection.is_fresh()


async def test_a_connection_that_is_lost_between_two_calls_is_not_used_again(pair: Pair) -> None:
    connection, other = pair
    await call(pair)
    connection.was_told.clear()
    other.close()
    assert not connection.is_fresh()
    await asyncio.wait_for(connection.was_told.wait(), WAIT)
    assert not connection.parser.reusable


@pytest.mark.parametrize("rings_between", [True, False])
async def test_a_deadline_holds_although_the_timer_rang_for_one_that_was_kept(pair: Pair, rings_between: bool) -> None:
    connection, _ = pair
    answered = connection.exchange(request(0.0), HEAD, 1000)
    connection.data_received(ANSWER)
    assert (await answered).content == b"ok"
    if rings_between:
        await timers()
    async with asyncio.timeout(WAIT):
        with pytest.raises(DeadlineExceeded, match="no answer before the deadline of the call"):
            await connection.exchange(request(0.01), HEAD, 1000)


@pytest.mark.parametrize("first", [None, WAIT])
async def test_a_deadline_holds_although_the_one_before_was_later(pair: Pair, first: float | None) -> None:
    await call(pair, first)
    async with asyncio.timeout(WAIT):
        with pytest.raises(DeadlineExceeded):
            await pair[0].exchange(request(0.01), HEAD, 1000)


async def test_a_call_outlives_the_deadline_of_the_one_before(pair: Pair) -> None:
    connection, other = pair
    answered = connection.exchange(request(0.0), HEAD, 1000)
    connection.data_received(ANSWER)
    await answered
    waiter = connection.exchange(request(), HEAD, 1000)
    await timers()
    other.send(ANSWER)
    assert (await waiter).content == b"ok"


@pytest.mark.parametrize("end", [lambda connection: connection.data_received(ANSWER), AsyncConnection.eof_received])
async def test_an_abandoned_answer_affects_no_other_call(pair: Pair, end: Callable[[AsyncConnection], object]) -> None:
    connection, other = pair
    waiter = connection.exchange(request(), HEAD, 1000)
    waiter.cancel()
    end(connection)
    other.close()
    connection.was_told.clear()
    await asyncio.wait_for(connection.was_told.wait(), WAIT)
    assert waiter.cancelled()


async def test_a_call_whose_connection_is_lost_fails_with_that(pair: Pair) -> None:
    connection, other = pair
    waiter = connection.exchange(request(), HEAD, 1000)
    other.close()
    with pytest.raises(ServiceCommunicationException, match=r"A\.b at http://h/: .* the call may have run"):
        await waiter


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_connection_is_not_used_again_if_the_answer_came_before_all_was_sent(
    pair: Pair, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, other = pair
    if not is_known:  # as over TLS, for what is already encrypted
        monkeypatch.setattr(connection._transport, "get_write_buffer_size", lambda: 0)
    large = replace(request(), content=bytes(10_000_000))
    waiter = connection.exchange(large, HEAD, 1000)
    other.send(ANSWER)
    assert (await waiter).content == b"ok"
    assert not connection.parser.reusable


async def test_nothing_was_sent_over_a_connection_that_is_closing(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(ServiceCommunicationException, match="was lost before anything was sent") as caught:
        pair[0].exchange(request(), HEAD, 1000)
    assert not caught.value.may_have_run


async def test_a_connection_made_while_the_event_loop_was_blocked_is_not_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        origin = Origin(host="127.0.0.1", port=port, authority=f"127.0.0.1:{port}", tls=None)
        opening = asyncio.create_task(AsyncConnection.open(origin, request(), 0.2))
        await asyncio.sleep(0)  # its time has begun
        time.sleep(0.5)  # noqa: ASYNC251 - as a callback of the user's that blocks
        connection = await opening
        assert connection.is_fresh()
        connection.close()
        await asyncio.sleep(0)


async def test_unsolicited_bytes_close_the_connection(pair: Pair) -> None:
    _, other = pair
    await call(pair)
    other.recv(65536)
    other.send(b"x")
    other.setblocking(False)
    assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(other, 1), WAIT) == b""
