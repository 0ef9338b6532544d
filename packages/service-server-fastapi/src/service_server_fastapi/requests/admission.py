"""Taking requests in: how many at once, how large, and how long they may take to arrive."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from starlette.types import Message, Receive, Scope

from service_core import CallContext, ErrorCode
from service_core.dispatch import Response, TimedOut, problem, refusal, within
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.access.rejections import UNREAD, Rejection, named
from service_server_fastapi.requests.memory_budget import MemoryBudget, MemoryShare
from service_server_fastapi.requests.stream_shares import StreamShares
from service_server_fastapi.settings import ServerSettings


class Disconnected(Exception):
    """The caller has disconnected; there is no recipient for an answer."""


class Admission:
    """Counts and limits what all endpoints have in work. Used on one event loop.

    A request is in work inside a ``with`` block, which raises Rejection if there are too many.
    """

    def __init__(self, settings: ServerSettings, log: RejectionLog) -> None:
        self._settings = settings
        self.most: Final = settings.max_concurrency
        """How many requests may be in work."""
        self.max_values = settings.max_values
        """How many values a request may hold."""
        self.memory = MemoryBudget(settings.memory_budget)
        """What large requests may need of memory."""
        self.streams = StreamShares(settings)
        """How many streams callers have open."""
        self.max_body_bytes = settings.max_body_bytes
        """How large a body may be; of a stream, each frame."""
        self.in_work = 0
        """How many requests are; compare it with :attr:`most` before it is changed outside of a ``with`` block."""
        self._log = log

    def __enter__(self) -> None:
        if self.in_work >= self.most:
            raise Rejection(
                503,
                f"the server is carrying out as many calls as {named('max_concurrency')} allows",
                ErrorCode.UNAVAILABLE,
                headers=(("retry-after", "1"), *UNREAD),
            )
        self.in_work += 1

    def __exit__(self, *exc: object) -> None:
        self.in_work -= 1

    def rejected(self, answer: Response) -> Response:
        """The answer to a request that is refused, after it has been noted for the log."""
        self._log.note(answer)
        return answer

    async def read_body(self, receive: Receive, headers: Mapping[str, str], memory: MemoryShare) -> bytes:
        """The whole body, for which ``memory`` is taken as it arrives.

        Raises Rejection if it is too large, too slow or compressed, Disconnected.
        """
        check_encoding(headers)
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced[:19]) > self._settings.max_body_bytes:
            raise self._too_large()
        timeout, begin = self._settings.receive_timeout, time.monotonic()
        try:
            body, more = self._take(await within(receive(), timeout), memory)
            if more:
                body = await within(self._receive_rest(receive, body, memory), timeout + begin - time.monotonic())
            return body
        except TimedOut:
            late = f"the request did not arrive within {timeout:g} s, {named('receive_timeout')}"
            raise Rejection(408, late, ErrorCode.DEADLINE_EXCEEDED, headers=UNREAD) from None

    async def _receive_rest(self, receive: Receive, first: bytes, memory: MemoryShare) -> bytes:
        parts = [first]
        size, more = len(first), True
        while more:
            part, more = self._take(await receive(), memory)
            size += len(part)
            if size > self._settings.max_body_bytes:
                raise self._too_large()
            parts.append(part)
        return b"".join(parts)

    def _take(self, message: Message, memory: MemoryShare) -> tuple[bytes, bool]:
        """A part of the body, and whether there is more."""
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        if len(part) > self._settings.max_body_bytes:
            raise self._too_large()
        memory.take(len(part))
        return part, message.get("more_body", False)

    def _too_large(self) -> Rejection:
        limit = f"{self._settings.max_body_bytes} bytes, {named('max_body_bytes')}"
        return Rejection(413, f"the request is larger than {limit}", headers=UNREAD)


def check_encoding(headers: Mapping[str, str]) -> None:
    """Raise Rejection for a compressed body."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Rejection(
            415,
            f"content encoding {encoding[:100]!r} is not supported; send the body without one",
            headers=(("accept-encoding", "identity"), *UNREAD),  # RFC 9110, section 15.5.16
        )


def disconnected(context: CallContext) -> Response:
    """The answer to a request whose caller has disconnected: it is not sent, but a middleware may wait for one."""
    return problem(refusal(ErrorCode.DEADLINE_EXCEEDED, "the caller has disconnected", context=context), executed=True)


def check_token(scope: Scope) -> None:
    """Raise Rejection if there are two tokens, since an intermediary may have checked the other one."""
    if sum(name == b"authorization" for name, _ in scope["headers"]) > 1:
        raise Rejection(400, "there are two Authorization headers", headers=UNREAD)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by lower-case names; of several with one name the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
