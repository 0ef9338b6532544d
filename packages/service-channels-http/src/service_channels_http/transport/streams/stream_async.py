"""A request and its response in parts, on an event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from service_channels_http.transport.engine.connecting import addresses_of, connect_async
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.resolver import resolver
from service_channels_http.transport.errors import deadline_exceeded, lost, not_sent
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import StreamedResponse, TooLate, chunk, last_chunk

__all__ = ["AsyncStream"]

_BUFFER: Final = 256 * 1024
"""Bytes that are read ahead at most, twice."""


class AsyncStream:
    """One request on a connection of its own. Used by one task, with another one that sends the body."""

    def __init__(self, request: HTTPRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._request = request
        self._reader = reader
        self._writer = writer
        self._sending: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[bytes] | None = None
        self._kept = b""
        self.response = StreamedResponse(request)

    @classmethod
    async def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> AsyncStream:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        end = min(request.deadline.expires_at, time.monotonic() + connect_timeout)
        try:
            async with asyncio.timeout(end - time.monotonic()):
                connected = await connect_async(await addresses_of(origin))
                server_hostname = origin.host if origin.tls is not None else None
                reader, writer = await asyncio.open_connection(
                    sock=connected, ssl=origin.tls, server_hostname=server_hostname, limit=_BUFFER
                )
        except TimeoutError as error:
            if request.deadline.expired:
                raise deadline_exceeded(request, may_have_run=False) from error
            raise not_sent(request, "no connection in time", error) from error
        except (OSError, UnicodeError) as error:
            resolver.forget(origin.host, origin.port)
            raise not_sent(request, "cannot connect", error) from error
        return cls(request, reader, writer)

    def send(self, head: bytes, parts: AsyncIterator[bytes] | None = None) -> None:
        """Send the request; ``parts`` of its body in a task of its own, while the response is read."""
        self._writer.write(head + self._request.content)
        if parts is not None:
            self._sending = asyncio.create_task(self._send(parts))

    async def _send(self, parts: AsyncIterator[bytes]) -> None:
        async for part in parts:
            if part and not await self._sent(chunk(part)):
                return
        await self._sent(last_chunk())

    async def _sent(self, data: bytes) -> bool:
        """Send a part; false if the server takes no more, of which its response says the reason."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            return False
        return True

    async def read_head(self, remaining: Callable[[], float]) -> None:
        """Wait for status and headers. A part of the body that comes with them is kept for :meth:`read`."""
        while not self.response.status:
            self._kept = await self._read(remaining)

    async def read(self, remaining: Callable[[], float]) -> bytes | None:
        """The next part of the body, None at its end; ``remaining`` says how many seconds are left.

        Raises ServiceCommunicationException, ProtocolException, TooLate, and what the parts of the request raise.
        """
        part, self._kept = self._kept, b""
        while not part:
            if self.response.is_complete:
                return None
            part = await self._read(remaining)
        return part

    async def _read(self, remaining: Callable[[], float]) -> bytes:
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(_BUFFER))
        await self._wait(self._reading, remaining)
        reading, self._reading = self._reading, None
        try:
            data = reading.result()
        except OSError as error:
            raise lost(self._request, error) from error
        if data:
            return self.response.feed(data)
        failure = self.response.end()
        if failure is not None:
            raise failure
        return b""

    async def _wait(self, reading: asyncio.Task[bytes], remaining: Callable[[], float]) -> None:
        """Wait for the response, and for a failure of the body of the request."""
        while not reading.done():
            left = remaining()
            if left <= 0:
                raise TooLate
            waiting: set[asyncio.Task[Any]] = {reading} if self._sending is None else {reading, self._sending}
            timeout = None if math.isinf(left) else left
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if self._sending is not None and self._sending.done():
                sending, self._sending = self._sending, None
                sending.result()

    async def aclose(self) -> None:
        """Close the connection, at once if the response is not complete."""
        for task in (self._sending, self._reading):
            if task is not None:
                task.cancel()
        self._writer.transport.abort()
        tasks = [task for task in (self._sending, self._reading) if task is not None]
        if tasks:
            await asyncio.wait(tasks)
