"""Answers to calls with streams: frames as lists of items, or an answer in one piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from service_channels_http.transport.exchange import ItemReader, StreamExchange
from service_channels_http.transport.limits import check_size
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import unexpected, unreadable
from service_channels_http.transport.streams.response import NotTaken, TooLate
from service_core import Deadline, DeadlineExceeded, ServiceException
from service_core.resilience import Raised, StreamLimits
from service_core.wire import MalformedData

_REFUSALS: Final = (415, 501)
"""Statuses by which a server says that it carries no streams."""


class AsyncParts(Protocol):
    """A response in parts, for async calls."""

    @property
    def response(self) -> Any:
        """Its ``status``, 0 until it has come, and ``headers``."""
        ...

    async def read_head(self, remaining: Callable[[], float]) -> bytes:
        """Wait for status and headers; the part of the body that came with them.

        ``remaining`` says how many seconds are left. Raises TooLate.
        """
        ...

    async def read(self, remaining: Callable[[], float]) -> bytes | None:
        """The next part of the body, None at its end. Raises TooLate."""
        ...


class SyncParts(Protocol):
    """As :class:`AsyncParts`, in a thread."""

    @property
    def response(self) -> Any:
        """Its ``status``, 0 until it has come, and ``headers``."""
        ...

    def read_head(self, deadline: Deadline) -> bytes:
        """Wait for status and headers; the part of the body that came with them. Raises TooLate."""
        ...

    def read(self, deadline: Deadline) -> bytes | None:
        """The next part of the body, None at its end. Raises TooLate."""
        ...


class OpenedStream:
    """A stream whose first items have come."""

    def __init__(self, url: str, stream: Any, reader: ItemReader, request: HTTPRequest, first: list[Any]) -> None:
        self.url = url
        self.stream = stream
        self.reader = reader
        self.request = request
        self.first = first
        self.is_over = bool(first) and reader.is_over and stream.response.is_complete
        """Whether no items follow the first, and the whole response has come."""


def head_of(response: Any) -> HTTPReply:
    """The head of an answer whose body has not been read."""
    return HTTPReply(response.status, response.headers)


async def next_async(stream: AsyncParts, reader: ItemReader, request: HTTPRequest, limits: StreamLimits) -> list[Any]:
    while (items := reader.next_items()) is None:
        feed(reader, await stream.read(limits.remaining), request)
    return items


def next_items(stream: SyncParts, reader: ItemReader, request: HTTPRequest, limits: StreamLimits) -> list[Any]:
    while (items := reader.next_items()) is None:
        feed(reader, stream.read(limits.deadline), request)
    return items


def feed(reader: ItemReader, part: bytes | None, request: HTTPRequest) -> None:
    """Give a part of the body to the reader; None is its end."""
    try:
        reader.end() if part is None else reader.feed(part)
    except MalformedData as error:
        raise unreadable(request, HTTPReply(200, {}), f"the stream cannot be read: {error}") from error


def too_late(error: TooLate, limits: StreamLimits) -> DeadlineExceeded:
    """The exception for the caller of a stream whose limit has passed."""
    return limits.not_taken() if isinstance(error, NotTaken) else limits.exceeded()


async def whole_async(
    stream: AsyncParts, first: bytes, request: HTTPRequest, limits: StreamLimits, max_bytes: int
) -> HTTPReply:
    """An answer that is no stream, of which the head and ``first`` have been read."""
    parts, size, response = [first], len(first), stream.response
    check_size(request, size, max_bytes)
    while (part := await stream.read(limits.remaining)) is not None:
        parts.append(part)
        size += len(part)
        check_size(request, size, max_bytes)
    return HTTPReply(response.status, response.headers, b"".join(parts))


def whole(stream: SyncParts, first: bytes, request: HTTPRequest, limits: StreamLimits, max_bytes: int) -> HTTPReply:
    """As :func:`whole_async`, in a thread."""
    parts, size, response = [first], len(first), stream.response
    check_size(request, size, max_bytes)
    while (part := stream.read(limits.deadline)) is not None:
        parts.append(part)
        size += len(part)
        check_size(request, size, max_bytes)
    return HTTPReply(response.status, response.headers, b"".join(parts))


def failure_in(exchange: StreamExchange, request: HTTPRequest, reply: HTTPReply) -> Any:
    """The failure in an answer that is no stream. Raises ServiceCommunicationException if it is a result."""
    answer = explained(exchange.complete(request, reply), reply)
    if isinstance(answer, Raised):
        return answer
    raise unexpected(request, reply, exchange.call.descriptor)


def explained(answer: Any, reply: HTTPReply) -> Any:
    """The answer, with a note if the server refuses streams."""
    if isinstance(answer, Raised) and reply.status in _REFUSALS and isinstance(answer.error, ServiceException):
        answer.error.add_note(
            f"HTTP {reply.status}: the server carries no streams over this channel; it has an older version, or it "
            f"is aspyx-service"
        )
    return answer
