"""Answers to calls with streams: frames as lists of items, or an answer in one piece."""

from __future__ import annotations

from typing import Any, Final

from service_channels_http.dispatch_exchange import DispatchExchange
from service_channels_http.transport.limits import check_size
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import media_type, unreadable
from service_channels_http.transport.streams.response import TooLate
from service_channels_http.transport.streams.stream_async import AsyncStream
from service_channels_http.transport.streams.stream_sync import SyncStream
from service_core import ServiceException
from service_core.resilience.retrying import Raised
from service_core.resilience.stream_limits import StreamLimits
from service_core.wire import MalformedData
from service_core.wire.streams import (
    STREAM_TYPES,
    Frame,
    FrameReader,
    read_items,
)

__all__ = [
    "Frames",
    "OpenedStream",
    "explained",
    "failure_in",
    "in_time",
    "is_stream",
    "next_async",
    "next_items",
    "whole",
    "whole_async",
]

_REFUSALS: Final = (415, 501)
"""Statuses by which a server says that it carries no streams."""


class Frames:
    """The frames of one answer, read as lists of items."""

    def __init__(self, exchange: DispatchExchange, request: HTTPRequest, max_bytes: int) -> None:
        self._exchange = exchange
        self._where = request.where
        self._reader = FrameReader(max_bytes)
        self._frames: list[Frame] = []
        self.failure: Exception | None = None
        """The error that the server has sent."""

    def next_items(self) -> list[Any] | None:
        """The items of the next frame, empty at the end; None if more bytes are needed. Raises what a frame says."""
        if not self._frames:
            return None
        try:
            return read_items(self._frames.pop(), self._exchange.plan, self._exchange.codec, self._where)
        except Exception as error:
            self.failure = error
            raise

    def feed(self, part: bytes | None, request: HTTPRequest) -> None:
        """Take a part of the body; None for its end, before which the last frame has to come."""
        reply = HTTPReply(200, {})
        if part is None:
            raise unreadable(request, reply, "the answer ended before the stream did")
        try:
            self._frames = self._reader.feed(part)[::-1]
        except MalformedData as error:
            raise unreadable(request, reply, f"the stream cannot be read: {error}") from error


class OpenedStream:
    """A stream whose first frame has come."""

    def __init__(self, url: str, stream: Any, frames: Frames, request: HTTPRequest, first: list[Any]) -> None:
        self.url = url
        self.stream = stream
        self.frames = frames
        self.request = request
        self.first = first


def is_stream(response: Any, exchange: DispatchExchange) -> bool:
    kind = media_type(HTTPReply(response.status, response.headers))
    return response.status == 200 and kind == STREAM_TYPES[exchange.codec.content_type]


async def next_async(stream: AsyncStream, frames: Frames, request: HTTPRequest, limits: StreamLimits) -> list[Any]:
    while (items := frames.next_items()) is None:
        frames.feed(await in_time(stream.read(limits.remaining), limits), request)
    return items


def next_items(stream: SyncStream, frames: Frames, request: HTTPRequest, limits: StreamLimits) -> list[Any]:
    while (items := frames.next_items()) is None:
        try:
            part = stream.read(limits.deadline)
        except TooLate as error:
            raise limits.exceeded() from error
        frames.feed(part, request)
    return items


async def in_time(step: Any, limits: StreamLimits) -> Any:
    try:
        return await step
    except TooLate as error:
        raise limits.exceeded() from error


async def whole_async(stream: AsyncStream, request: HTTPRequest, limits: StreamLimits, max_bytes: int) -> HTTPReply:
    """An answer that is no stream. The time that counts from the last item begins when that has been sent."""
    parts, size, response = [], 0, stream.response
    if not response.status:
        await in_time(stream.read_head(limits.remaining), limits)
    while (part := await in_time(stream.read(limits.remaining), limits)) is not None:
        parts.append(part)
        size += len(part)
        check_size(request, size, max_bytes)
    return HTTPReply(response.status, response.headers, b"".join(parts))


def whole(stream: SyncStream, request: HTTPRequest, limits: StreamLimits, max_bytes: int) -> HTTPReply:
    parts, size, response = [], 0, stream.response
    if not response.status:
        stream.read_head(limits.deadline)
    while (part := stream.read(limits.deadline)) is not None:
        parts.append(part)
        size += len(part)
        check_size(request, size, max_bytes)
    return HTTPReply(response.status, response.headers, b"".join(parts))


def failure_in(exchange: DispatchExchange, request: HTTPRequest, reply: HTTPReply) -> Any:
    """The failure in an answer that is no stream. Raises ProtocolException if it is a result."""
    answer = explained(exchange.complete(request, reply), reply)
    if isinstance(answer, Raised):
        return answer
    raise unreadable(request, reply, "answered with a whole result where a stream was expected")


def explained(answer: Any, reply: HTTPReply) -> Any:
    """The answer, with a note if the server refuses streams."""
    if isinstance(answer, Raised) and reply.status in _REFUSALS and isinstance(answer.error, ServiceException):
        answer.error.add_note(
            f"HTTP {reply.status}: the server carries no streams over this channel; it has an older version, or it "
            f"is aspyx-service"
        )
    return answer
