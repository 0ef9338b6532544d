"""Answers: a result or a failure in the form in which it is sent, an envelope for calls and a problem for requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, Self

from service_core.context import CallContext
from service_core.errors import ArgumentException, DeadlineExceeded, ErrorCode, ServiceException
from service_core.rest import PROBLEM_TYPE, Problem
from service_core.wire import CONTRACT_MISMATCH, CORRELATION_ID, JSON, Codec, WireError

__all__ = ["FailedFirst", "Headers", "Response", "StreamBody", "envelope", "mismatch", "problem", "refusal"]

Headers = tuple[tuple[str, str], ...]


class FailedFirst(Exception):
    """A stream has failed before its first item, and its form has a status for that."""

    def __init__(self, error: WireError, headers: Headers) -> None:
        super().__init__()
        self.error = error
        self.headers = headers


class StreamBody:
    """The parts of a body that come one after the other. Used on one event loop.

    The holder of one calls :meth:`aclose`, also where no part is read, since that ends the call.
    """

    __slots__ = ("_ending", "_first", "_on_end", "_parts", "stopped")

    def __init__(
        self, parts: AsyncGenerator[bytes, None], on_end: Callable[[], None], *, ending: list[bytes], stopped: bytes
    ) -> None:
        """``on_end`` is called once, after ``parts`` have ended; these write the last ones into ``ending``."""
        self._parts = parts
        self._ending = ending
        self._first: bytes | None = None
        self.stopped = stopped
        """The last part if the server ends the call because it stops."""
        self._on_end: Callable[[], None] | None = on_end

    async def begin(self) -> None:
        """Wait for the first part, which comes within a second, and keep it. Raises FailedFirst; the call is over then.

        Afterwards the head of the response is sent. Safe to call twice.
        """
        if self._first is not None:
            return
        try:
            self._first = await anext(self._parts, b"")
        except BaseException:
            await self.aclose()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await self._parts.__anext__()

    def take_last(self) -> bytes:
        """What comes after the parts of the iteration, to be sent with the end of the body; empty if it was taken."""
        last = b"".join(self._ending)
        self._ending.clear()
        return last

    async def aclose(self) -> None:
        """End the call if it runs. Safe to call twice."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            try:
                await self._parts.aclose()
            finally:
                on_end()


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
