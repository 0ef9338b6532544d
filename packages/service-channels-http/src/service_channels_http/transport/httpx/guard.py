"""Limits of size, and of time for sync calls, for responses that httpx receives.

httpx limits each single wait, so a server that sends a byte now and then could block a call for ever. A guard
therefore checks every part that arrives. It gets the response by an event hook, and so works in any client,
also in one that a user has created.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import httpx

from service_channels_http.transport.errors import deadline_exceeded
from service_channels_http.transport.limits import check_head, check_size
from service_channels_http.transport.messages import HTTPRequest
from service_core import Deadline


def timeouts(deadline: Deadline, connect_timeout: float) -> httpx.Timeout:
    """The limit for each wait of a sync request, so that connecting leaves time for another instance."""
    if math.isinf(deadline.expires_at):
        return httpx.Timeout(None, connect=connect_timeout)
    wait = _wait(deadline)
    return httpx.Timeout(wait, connect=min(wait, connect_timeout))


def _wait(deadline: Deadline) -> float:
    return max(deadline.remaining, 0.001)  # zero would mean not to wait at all


class Guard:
    """Enforces the limits for the reply to one request."""

    __slots__ = ("_max_bytes", "_received", "_request", "may_have_run")

    def __init__(self, request: HTTPRequest, max_bytes: int) -> None:
        self._request = request
        self._max_bytes = max_bytes
        self._received = 0
        self.may_have_run = True
        """Whether the request may have been sent; False only while the client is known to connect."""

    def begin(self, response: httpx.Response) -> None:
        """Check the headers. Raises DeadlineExceeded, ProtocolException."""
        self.check_time()
        check_head(self._request, response.headers, self._max_bytes)
        self._received = 0
        self._shorten_wait(response.request.extensions)

    def take(self, part: bytes) -> bytes:
        """Check a part of the body. Raises DeadlineExceeded, ProtocolException."""
        self.check_time()
        self._received += len(part)
        check_size(self._request, self._received, self._max_bytes)
        return part

    def check_time(self) -> None:
        """Raise DeadlineExceeded if the deadline has passed."""
        if self._request.deadline.expired:
            raise deadline_exceeded(self._request, may_have_run=self.may_have_run)

    def on_event(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by a client at each step: record that a request was sent, and shorten the wait for its answer."""
        if name == "connection.connect_tcp.started":
            self.may_have_run = False
        elif name.endswith("send_request_headers.started"):
            self.may_have_run = True
        elif name.endswith("receive_response_headers.started"):
            self._shorten_wait(info["request"].extensions)

    async def on_event_async(self, name: str, info: Mapping[str, Any]) -> None:
        """As :meth:`on_event`, for async clients."""
        self.on_event(name, info)

    def _shorten_wait(self, extensions: Mapping[str, Any]) -> None:
        waits = extensions.get("timeout", {})
        if waits.get("read") is not None:
            waits["read"] = _wait(self._request.deadline)


_guard: ContextVar[Guard | None] = ContextVar("service_http_guard", default=None)


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """Apply ``guard`` to the responses that arrive inside the block."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def watch(client: httpx.Client) -> None:
    """Install the hook for guards in a client; safe to call twice."""
    hooks = client.event_hooks["response"]
    if _on_response not in hooks:
        hooks.insert(0, _on_response)  # before hooks that read the body


def watch_async(client: httpx.AsyncClient) -> None:
    """Install the hook for guards in a client; safe to call twice."""
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
