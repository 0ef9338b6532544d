"""A request and its response in parts, with httpx clients.

httpx sends the whole body of a request before it reads the response, so only one of the two is a stream.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from service_channels_http.transport.header_values import encoded_headers
from service_channels_http.transport.httpx.failures import translated
from service_channels_http.transport.httpx.guard import timeouts
from service_channels_http.transport.limits import check_head
from service_channels_http.transport.messages import NO_HEADERS, HTTPRequest
from service_channels_http.transport.streams.response import NotTaken, TooLate
from service_core import Deadline


@dataclass(slots=True)
class _Head:
    """The head of a response."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    is_complete = False
    """Not known before the end is read."""


class _Stream:
    """What both forms share."""

    def __init__(self, client: Any, request: HTTPRequest, connect_timeout: float, pause: float | None) -> None:
        """``pause`` limits, in seconds, each wait for a part of a body, in both directions."""
        self._pause = pause
        self._client = client
        self._request = request
        self._connect_timeout = connect_timeout
        self._callers: Exception | None = None
        self.response = _Head()

    def _build(self, content: Any, waits: httpx.Timeout) -> httpx.Request:
        request: httpx.Request = self._client.build_request(
            self._request.method,
            self._request.url,
            content=self._request.content if content is None else content,
            headers=encoded_headers(self._request),
            timeout=waits,
        )
        return request

    def _begin(self, reply: httpx.Response) -> None:
        check_head(self._request, {**reply.headers, "content-length": ""}, 0)
        self.response.status, self.response.headers = reply.status_code, reply.headers

    @contextmanager
    def _translated(self, deadline: Deadline) -> Iterator[None]:
        """Convert errors of httpx, but not those of the caller's iterator, and a wait that was too long to TooLate."""
        try:
            with translated(self._request, self._client):
                try:
                    yield
                except httpx.WriteTimeout:
                    raise NotTaken from None
                except httpx.ReadTimeout:
                    if deadline.expired:
                        raise TooLate from None
                    raise
        except Exception:
            if self._callers is not None:
                raise self._callers from None
            raise


class HTTPXStream(_Stream):
    """One request of a client. Used by one thread.

    httpx fixes the limit of a single wait when it begins to read a body, so other limits in time are checked when bytes
    come: a deadline may be exceeded by the time between two of them.
    """

    _reply: httpx.Response | None = None
    _parts: Iterator[bytes] = iter(())

    def send(self, parts: Iterator[bytes] | None, limit: Callable[[], Deadline]) -> None:
        """Send the request and wait for the head of the response, until ``limit`` says after the request was sent."""
        request = self._build(None if parts is None else self._passed(parts), timeouts(limit(), self._connect_timeout))
        waits = request.extensions["timeout"]
        if parts is not None and self._pause is not None:
            waits["write"] = self._pause

        def on_event(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith("receive_response_headers.started"):
                waits["read"] = timeouts(limit(), self._connect_timeout).read
            elif name.endswith("receive_response_headers.complete"):
                waits["read"] = self._pause

        request.extensions["trace"] = on_event
        with self._translated(limit()):
            reply: httpx.Response = self._client.send(request, stream=True)
        self._reply = reply
        self._begin(reply)
        self._parts = reply.iter_raw()

    def _passed(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from filter(None, parts)
        except Exception as error:
            self._callers = error
            raise

    def read_head(self, deadline: Deadline) -> bytes:
        """Nothing: the head has come, and httpx gives no part of the body with it."""
        return b""

    def read(self, deadline: Deadline) -> bytes | None:
        """The next part of the body, None at its end. Raises ServiceCommunicationException, TooLate."""
        if deadline.expired:
            raise TooLate
        with self._translated(deadline):
            return next(self._parts, None)

    def finish(self) -> None:
        """Nothing: httpx keeps what it can."""

    def close(self) -> None:
        """Close the connection unless the response is complete."""
        if self._reply is not None:
            self._reply.close()


class AsyncHTTPXStream(_Stream):
    """One request of an async client. Used by one task."""

    _reply: httpx.Response | None = None
    _parts: AsyncIterator[bytes]
    _content: AsyncIterator[bytes] | None = None

    def send(self, parts: AsyncGenerator[bytes, None] | None) -> None:
        """Send the request, with these parts as its body, when the response is read."""
        self._content = None if parts is None else self._passed(parts)

    async def _passed(self, parts: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
        try:
            async for part in parts:
                if part:
                    yield part
        except Exception as error:
            self._callers = error
            raise

    async def read_head(self, remaining: Callable[[], float]) -> bytes:
        """Send the request, and wait for status and headers. Raises ServiceCommunicationException, TooLate."""
        request = self._build(self._content, httpx.Timeout(None, connect=self._connect_timeout, write=self._pause))
        reply: httpx.Response = await self._step(self._client.send(request, stream=True), remaining)
        self._reply = reply
        self._begin(reply)
        self._parts = reply.aiter_raw()
        return b""

    async def read(self, remaining: Callable[[], float]) -> bytes | None:
        """The next part of the body, None at its end. Raises ServiceCommunicationException, TooLate."""
        part: bytes | None = await self._step(anext(self._parts, None), remaining)
        return part

    async def _step(self, step: Any, remaining: Callable[[], float]) -> Any:
        """Wait for something; ``remaining`` is called again when its time has passed, since it may have grown."""
        task = asyncio.ensure_future(step)
        try:
            while not task.done():
                left = remaining()
                if left <= 0:
                    raise TooLate
                await asyncio.wait([task], timeout=None if math.isinf(left) else left)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        with self._translated(Deadline.after(None)):
            return task.result()

    async def finish(self) -> None:
        """Nothing: httpx keeps what it can."""

    async def aclose(self) -> None:
        """Close the connection unless the response is complete."""
        if self._reply is not None:
            await self._reply.aclose()
