"""Requests whose frames are wrong or cut off: an error, never the result of a shorter stream."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from struct import pack
from typing import Any

import httpx
import pytest

from service_core import Service, implementation, service
from service_core.wire.streams import FrameKind, frame
from service_server_fastapi import serve

METHODS = pytest.mark.parametrize("method", ["total", "total_sync"])
ITEMS, END = frame(FrameKind.ITEMS, b"[1,2]"), frame(FrameKind.END)


@service(name="hostile-totals")
class Totals(Service):
    @abstractmethod
    async def total(self, numbers: AsyncIterator[int]) -> int: ...

    @abstractmethod
    def total_sync(self, numbers: Iterator[int]) -> int: ...


@implementation
class TotalsImpl(Totals):
    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    def total_sync(self, numbers: Iterator[int]) -> int:
        return sum(numbers)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serve(TotalsImpl(), port=0) as server, httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client


def call_of(method: str) -> bytes:
    envelope = b'{"method": "hostile-totals:hostile-totals:%b", "args": []}' % method.encode()
    return frame(FrameKind.CALL, envelope)


def sent(client: httpx.Client, body: bytes) -> tuple[int, dict[str, Any]]:
    answer = client.post("/invoke", content=body, headers={"content-type": "application/vnd.service.stream+json"})
    read: dict[str, Any] = answer.json()
    return answer.status_code, read


@METHODS
def test_a_request_that_is_cut_off_at_any_byte_is_an_error(client: httpx.Client, method: str) -> None:
    call = call_of(method)
    rest = ITEMS + frame(FrameKind.IDLE) + ITEMS + END
    for size in range(len(rest)):
        _, answer = sent(client, call + rest[:size])
        assert answer.get("result") is None, size
        assert answer["exception"]["code"] == "invalid_argument", size
    for size in range(0, len(call), 7):
        status, answer = sent(client, call[:size])
        assert (status, answer.get("result")) == (400, None), size
    assert sent(client, call + rest)[1]["result"] == 6


@METHODS
@pytest.mark.parametrize(
    "wrong",
    [
        frame(FrameKind.CALL, b"{}"),
        frame(FrameKind.ERROR, b"{}"),
        frame(FrameKind.ITEMS, b"[1"),
        frame(FrameKind.ITEMS, b'{"a": 1}'),
        frame(FrameKind.ITEMS, b'["x"]'),
        frame(FrameKind.ITEMS),
        frame(FrameKind.ITEMS, b"[1]", call=2),
        frame(FrameKind.END, call=0),
        pack("!IBI", 0, 5, 1),
        pack("!IBI", 2**32 - 1, 1, 1),
    ],
)
def test_a_wrong_frame_among_the_items_is_an_error_of_the_caller(
    client: httpx.Client, method: str, wrong: bytes
) -> None:
    for before in (b"", ITEMS):
        _, answer = sent(client, call_of(method) + before + wrong + END)
        assert answer.get("result") is None
        assert answer["exception"]["code"] == "invalid_argument"
    assert sent(client, call_of(method) + ITEMS + END)[1]["result"] == 3


@METHODS
def test_what_follows_the_end_is_no_item(client: httpx.Client, method: str) -> None:
    assert sent(client, call_of(method) + ITEMS + END + ITEMS)[1]["result"] == 3
