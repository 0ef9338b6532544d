"""Answers whose frames are wrong or cut off: an error of the call, never a shorter stream."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from struct import pack

import pytest
from scripted_server import Received, serving

from service_channels_http import connect
from service_core import ContractMismatchException, Policy, ProtocolException, Service, ServiceException, service
from service_core.wire.streams import FrameKind, frame

ITEMS, END = frame(FrameKind.ITEMS, b"[1,2]"), frame(FrameKind.END)
WHOLE = ITEMS + frame(FrameKind.IDLE) + ITEMS + END
POLICY = Policy(timeout=20.0)


@service(name="hostile-numbers")
class Numbers(Service):
    @abstractmethod
    def all(self) -> AsyncIterator[int]: ...

    @abstractmethod
    def all_sync(self) -> Iterator[int]: ...


class Answers:
    """Answers the next request with a body of known length that is sent to its end."""

    body = b""

    def __call__(self, request: Received) -> None:
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.service.stream+json\r\ncontent-length: "
        request.send(f"{head}{len(self.body)}\r\n\r\n".encode() + self.body)


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers()


@pytest.fixture(scope="module")
def numbers(answers: Answers) -> Iterator[Numbers]:
    with serving(answers) as server, connect(Numbers, server.url, channel="dispatch-json", policy=POLICY) as numbers:
        yield numbers


async def _read_async(numbers: Numbers) -> tuple[list[int], Exception | None]:
    taken: list[int] = []
    try:
        async for number in numbers.all():
            taken.append(number)  # noqa: PERF401 - those before the error are kept
    except ServiceException as error:
        return taken, error
    return taken, None


def _read(numbers: Numbers, form: str) -> tuple[list[int], Exception | None]:
    if form == "async":
        return asyncio.run(_read_async(numbers))
    taken: list[int] = []
    try:
        for number in numbers.all_sync():
            taken.append(number)  # noqa: PERF402 - those before the error are kept
    except ServiceException as error:
        return taken, error
    return taken, None


@pytest.mark.parametrize("form", ["async", "sync"])
def test_an_answer_that_is_cut_off_at_any_byte_is_an_error(answers: Answers, numbers: Numbers, form: str) -> None:
    for size in range(len(WHOLE)):
        answers.body = WHOLE[:size]
        taken, error = _read(numbers, form)
        assert taken == [1, 2, 1, 2][: 2 * WHOLE[:size].count(ITEMS)]
        assert error is not None, size
        assert "the answer ended before the stream did" in str(error)
    answers.body = WHOLE
    assert _read(numbers, form) == ([1, 2, 1, 2], None)


@pytest.mark.parametrize("form", ["async", "sync"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "after items"])
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (frame(FrameKind.CALL, b"{}"), ProtocolException),
        (frame(FrameKind.ITEMS, b"[]"), ProtocolException),
        (frame(FrameKind.ITEMS, b"[1"), ProtocolException),
        (frame(FrameKind.ITEMS, b'["x"]'), ContractMismatchException),
        (frame(FrameKind.ITEMS), ProtocolException),
        (frame(FrameKind.ITEMS, b"[1]", call=2), ProtocolException),
        (frame(FrameKind.END, call=0), ProtocolException),
        (frame(FrameKind.ERROR), ProtocolException),
        (frame(FrameKind.ERROR, b"[1]"), ProtocolException),
        (frame(FrameKind.ERROR, b'{"result": 1}'), ProtocolException),
        (pack("!IBI", 0, 5, 1), ServiceException),
        (pack("!IBI", 0, 255, 1), ServiceException),
        (pack("!IBI", 2**32 - 1, 1, 1), ServiceException),
    ],
)
def test_a_wrong_frame_is_an_error_of_the_call(
    answers: Answers, numbers: Numbers, form: str, wrong: bytes, kind: type[Exception], is_first: bool
) -> None:
    answers.body = (b"" if is_first else ITEMS) + wrong + END
    taken, error = _read(numbers, form)
    assert set(taken) <= {1, 2}
    assert isinstance(error, kind)
    answers.body = ITEMS + END  # the channel goes on
    assert _read(numbers, form) == ([1, 2], None)
