"""Limits for what httpx receives: how much, and for sync calls until when.

httpx limits each single wait, so a server that sends a byte now and then could hold a call for ever. A guard
therefore looks at every part that arrives. It gets hold of the response by an event hook, and so works in any client,
also in one that a user has made.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Final

import httpx

from service_channels_http.transport.errors import time_is_up
from service_channels_http.transport.messages import HTTPRequest
from service_core import Deadline, ProtocolException

__all__ = ["Guard", "check_head", "check_size", "guarded", "in_time", "timeouts", "watch", "watch_async"]


def timeouts(deadline: Deadline, connect_timeout: float) -> httpx.Timeout:
    """How long each wait of a sync request may take, so that connecting leaves time for another instance."""
    if math.isinf(deadline.expires_at):
        return httpx.Timeout(None, connect=connect_timeout)
    wait = _wait(deadline)
    return httpx.Timeout(wait, connect=min(wait, connect_timeout))


@asynccontextmanager
async def in_time(deadline: Deadline, late: Callable[[], Exception]) -> AsyncIterator[None]:
    """End the block when the time is up. Raises what ``late`` makes then."""
    limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise late() from None


def _wait(deadline: Deadline) -> float:
    return max(deadline.remaining, 0.001)  # zero would mean: do not wait, but take what is there


class Guard:
    """Watches over the reply to one request."""

    __slots__ = ("_max_bytes", "_received", "_request")

    def __init__(self, request: HTTPRequest, max_bytes: int) -> None:
        self._request = request
        self._max_bytes = max_bytes
        self._received = 0

    def begin(self, response: httpx.Response) -> None:
        """The headers are there. Raises DeadlineExceeded, ProtocolException."""
        self.check_time()
        check_head(self._request, response.headers, self._max_bytes)
        self._received = 0
        self._shorten_wait(response.request.extensions)

    def take(self, part: bytes) -> bytes:
        """A part of the body is there. Raises DeadlineExceeded, ProtocolException."""
        self.check_time()
        self._received += len(part)
        check_size(self._request, self._received, self._max_bytes)
        return part

    def check_time(self) -> None:
        """Raise DeadlineExceeded if the time is up."""
        if self._request.deadline.expired:
            raise time_is_up(self._request.where)

    def on_event(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by a sync client at each step: take what connecting and sending took off the wait for an answer."""
        if name.endswith("receive_response_headers.started"):
            self._shorten_wait(info["request"].extensions)

    def _shorten_wait(self, extensions: Mapping[str, Any]) -> None:
        waits = extensions.get("timeout", {})
        if waits.get("read") is not None:
            waits["read"] = _wait(self._request.deadline)


def check_head(request: HTTPRequest, headers: Mapping[str, str], max_bytes: int) -> None:
    """Refuse an answer by its headers. Raises ProtocolException."""
    # Unpacking could make much of little; it was not asked for.
    if headers.get("content-encoding", "identity") != "identity":
        raise ProtocolException(
            f"{request.where}: the answer is compressed although that was not asked for; "
            f"keep the server or proxy from compressing it",
            may_have_run=True,
        )
    announced = headers.get("content-length", "").lstrip("0")[:20]  # of thousands of digits int() makes nothing
    check_size(request, int(announced) if announced.isdecimal() else 0, max_bytes)


def check_size(request: HTTPRequest, size: int, max_bytes: int) -> None:
    """Refuse an answer by its size. Raises ProtocolException."""
    if size > max_bytes:
        raise ProtocolException(
            f"{request.where}: the answer is larger than {max_bytes} bytes; let the method return "
            f"less, or raise the channel's max_response_bytes in customize()",
            may_have_run=True,
        )


_guard: ContextVar[Guard | None] = ContextVar("service_http_guard", default=None)


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """Let ``guard`` watch over the responses that arrive inside the block."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def watch(client: httpx.Client) -> None:
    """Make a client's responses known to guards; safe to call twice."""
    hooks = client.event_hooks["response"]
    if _on_response not in hooks:
        hooks.insert(0, _on_response)  # before hooks that read the body


def watch_async(client: httpx.AsyncClient) -> None:
    """Make a client's responses known to guards; safe to call twice."""
    hooks = client.event_hooks["response"]
    if _on_response_async not in hooks:
        hooks.insert(0, _on_response_async)


def _on_response(response: httpx.Response) -> None:
    guard: Final = _guard.get()
    if guard is not None and isinstance(response.stream, httpx.SyncByteStream):
        guard.begin(response)
        response.stream = _GuardedStream(response.stream, guard)


async def _on_response_async(response: httpx.Response) -> None:
    guard: Final = _guard.get()
    if guard is not None and isinstance(response.stream, httpx.AsyncByteStream):
        guard.begin(response)
        response.stream = _GuardedAsyncStream(response.stream, guard)


class _GuardedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield self._guard.take(part)

    def close(self) -> None:
        self._stream.close()


class _GuardedAsyncStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield self._guard.take(part)

    async def aclose(self) -> None:
        await self._stream.aclose()
