"""Answers: a result or a failure in the form in which it is sent, an envelope for calls and a problem for requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Protocol

from service_core.context import CallContext
from service_core.errors import ArgumentException, DeadlineExceeded, ErrorCode, ServiceException
from service_core.rest import PROBLEM_TYPE, Problem
from service_core.wire import CONTRACT_MISMATCH, CORRELATION_ID, JSON, Codec, WireError

Headers = tuple[tuple[str, str], ...]


class FailedFirst(Exception):
    """A stream has failed before its first item, and its form has a status for that."""

    def __init__(self, error: WireError, headers: Headers) -> None:
        super().__init__()
        self.error = error
        self.headers = headers


class StreamSink(Protocol):
    """What the parts of a body are written to."""

    @property
    def is_full(self) -> bool:
        """Whether the client reads more slowly than is written."""
        ...

    def write(self, part: bytes) -> None:
        """Send a part, or buffer it; never waits."""
        ...

    async def drain(self) -> None:
        """Wait until there is room for more."""
        ...


class StreamBody(ABC):
    """A body that comes in parts, and the call behind it. Used on one event loop.

    The holder of one calls :meth:`run` or, instead of it, :meth:`close`.
    """

    __slots__ = ()

    @abstractmethod
    async def run(self, sink: StreamSink) -> bytes:
        """Carry out the call and write the parts; returns the last one, to be sent with the end of the body.

        Nothing is written of a stream that ends before it has waited for anything. Otherwise the first part, with an
        item or without, is written within a second. Raises FailedFirst, and a cancellation, which ends the call.
        """

    @abstractmethod
    def close(self) -> None:
        """The call is not carried out. Safe to call twice, and after :meth:`run`."""

    @abstractmethod
    def stopped(self) -> bytes:
        """The last part if the server ends the call because it stops."""


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every call, and that would take twice as long
class Response:
    """What is sent back."""

    status: int
    content_type: str
    body: bytes
    headers: Headers = ()
    error: WireError | None = None
    """The failure that the body holds, for logs."""
    stream: StreamBody | None = None
    """The body if it comes in parts; ``body`` is empty then."""


def refusal(code: ErrorCode, message: str, *, context: CallContext, details: object = None) -> WireError:
    """The failure of a call that is turned away before the implementation has run, or whose time is up."""
    return WireError(
        type=_REFUSED_AS.get(code, ServiceException).__name__,
        code=code,
        message=message,
        details=details,
        correlation_id=context.correlation_id,
    )


_REFUSED_AS: Final[dict[ErrorCode, type[ServiceException]]] = {
    ErrorCode.INVALID_ARGUMENT: ArgumentException,
    ErrorCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def mismatch(code: ErrorCode, message: str, *, context: CallContext, details: object = None) -> WireError:
    """The failure of a call that is refused because caller and server have different interfaces."""
    return WireError(
        type=CONTRACT_MISMATCH, code=code, message=message, details=details, correlation_id=context.correlation_id
    )


def envelope(error: WireError, *, status: int | None = None, codec: Codec = JSON, headers: Headers = ()) -> Response:
    """A failure in the form of ``/invoke``; by default with the status of its code."""
    return Response(
        status=status or error.code.http_status,
        content_type=codec.content_type,
        body=codec.write_error(error),
        headers=(*correlation(error.correlation_id), *headers),
        error=error,
    )


def problem(error: WireError, *, status: int | None = None, executed: bool = False, headers: Headers = ()) -> Response:
    """A failure as problem details; by default with the status of its code."""
    described = Problem.of(error, status=status, executed=executed)
    return Response(
        status=described.status,
        content_type=PROBLEM_TYPE,
        body=described.to_json(),
        headers=(*correlation(error.correlation_id), *headers),
        error=error,
    )


def correlation(correlation_id: str | None) -> Headers:
    """The header by which both sides find a call in their logs."""
    return ((CORRELATION_ID, correlation_id or ""),)
