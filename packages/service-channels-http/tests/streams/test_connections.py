"""Which connections carry streams: those of the pool, and which of them can be used again afterwards."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest
from scripted_server import Received, ScriptedServer, serving

from service_channels_http import connect
from service_core import Policy, Service, ServiceCommunicationException, service
from service_core.wire.streams import FrameKind, frame

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.service.stream+json\r\ntransfer-encoding: chunked\r\n%b\r\n"
ITEMS, END = frame(FrameKind.ITEMS, b"[1,2]"), frame(FrameKind.END)
POLICY = Policy(timeout=20.0)
LAST = b"0\r\n\r\n"


@service(name="ticker")
class Ticker(Service):
    @abstractmethod
    def ticks(self) -> AsyncIterator[int]: ...

    @abstractmethod
    def ticks_sync(self) -> Iterator[int]: ...


async def _all(ticks: AsyncIterator[int]) -> list[int]:
    return [tick async for tick in ticks]


class Reading:
    """Reads streams of a scripted server over one channel."""

    def __init__(self, stack: ExitStack, form: str) -> None:
        self._stack = stack
        self._form = form
        self._runner = stack.enter_context(asyncio.Runner())

    def of(self, server: ScriptedServer) -> Callable[[], list[int]]:
        ticker = self._stack.enter_context(connect(Ticker, server.url, channel="dispatch-json", policy=POLICY))
        if self._form == "sync":
            return lambda: list(ticker.ticks_sync())
        return lambda: self._runner.run(_all(ticker.ticks()))


@pytest.fixture(params=["async", "sync"])
def reading(request: pytest.FixtureRequest) -> Iterator[Reading]:
    with ExitStack() as stack:
        yield Reading(stack, request.param)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def connections(server: ScriptedServer) -> int:
    return len({id(request.connection) for request in server.requests})


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD % b"" + chunk(ITEMS + END) + LAST],
        [HEAD % b"", chunk(ITEMS), chunk(END), LAST],
        [HEAD % b"" + chunk(ITEMS[:7]), chunk(ITEMS[7:]) + b"9", b"\r\n" + END + b"\r\n0\r", b"\n\r\n"],
    ],
    ids=["in one piece", "piece by piece", "in pieces of frames"],
)
def test_a_connection_whose_stream_has_ended_carries_the_next(reading: Reading, parts: list[bytes]) -> None:
    def script(request: Received) -> None:
        for part in parts:
            request.send(part)

    with serving(script) as server:
        read = reading.of(server)
        assert [read(), read(), read()] == [[1, 2]] * 3
        assert connections(server) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HEAD % b"" + chunk(ITEMS + END) + LAST + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        HEAD % b"" + chunk(ITEMS + END) + LAST + b"\x00garbage",
        HEAD % b"connection: close\r\n" + chunk(ITEMS + END) + LAST,
        HEAD % b"" + chunk(ITEMS + END),
        HEAD % b"" + chunk(ITEMS + END) + chunk(ITEMS),
    ],
    ids=["another response", "garbage", "connection: close", "no end of the body", "frames after the end"],
)
def test_a_connection_that_may_not_be_clean_is_closed(reading: Reading, answer: bytes) -> None:
    with serving(lambda request: request.send(answer)) as server:
        read = reading.of(server)
        assert [read(), read()] == [[1, 2], [1, 2]]
        assert connections(server) == 2


@pytest.mark.parametrize("size", [0, 5, 12, 20])
def test_a_stream_that_is_cut_off_is_an_error_and_the_next_one_has_another_connection(
    reading: Reading, size: int
) -> None:
    def script(request: Received) -> None:
        whole = chunk(ITEMS + END) + LAST
        if len(server.requests) > 1:
            request.send(HEAD % b"" + whole)
            return
        request.send(HEAD % b"" + whole[:size])
        request.reset()

    with serving(script) as server:
        read = reading.of(server)
        with pytest.raises(ServiceCommunicationException) as raised:
            read()
        assert raised.value.may_have_run
        assert read() == [1, 2]
        assert connections(server) == 2
