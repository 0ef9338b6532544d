"""A request and its response in parts, on an event loop."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Final

from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.pool import LeasedConnection
from service_channels_http.transport.errors import lost, not_sent
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import (
    FINISH,
    NotTaken,
    StreamedResponse,
    TooLate,
    chunk,
    last_chunk,
)
from service_core import Deadline, ServiceException
from service_core.process import start_timer

_BUFFER: Final = 256 * 1024
"""Bytes that are read ahead at most."""


class AsyncStream(asyncio.Protocol):
    """One request on a connection of the pool. Used by one task, with another one that sends the body."""

    def __init__(self, request: HTTPRequest, leased: LeasedConnection[AsyncConnection]) -> None:
        self._request = request
        self._leased = leased
        self._transport = leased.connection.lease(self)
        self._sending: asyncio.Task[None] | None = None
        self._is_sent = False
        self._is_closed = False
        self._came: deque[bytes] = deque()
        self._size = 0
        self._is_over = False
        self._failure: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_full = False
        self.response = StreamedResponse(request, leased.connection.parser)

    # sending

    def send(self, parts: AsyncGenerator[bytes, None] | None = None, pause: float | None = None) -> None:
        """Send the request; ``parts`` of its body in a task of its own, while the response is read.

        If the server takes nothing of them for ``pause`` seconds, reading raises NotTaken. Raises
        ServiceCommunicationException if nothing could be sent; the stream is closed then.
        """
        self._transport.write(self._leased.head + self._request.content)
        if self._transport.is_closing():
            self._give_back()
            raise not_sent(self._request, "the connection was lost before anything was sent", ConnectionError())
        if parts is None:
            self._is_sent = True
            return
        self._sending = asyncio.get_running_loop().create_task(self._send(parts, pause))
        self._sending.add_done_callback(lambda _: self._wake())

    async def _send(self, parts: AsyncGenerator[bytes, None], pause: float | None) -> None:
        async with aclosing(parts):
            async for part in parts:
                if part:
                    self._transport.write(chunk(part))
                    await self._drain(pause)
                if self._is_over:  # the server takes no more, of which its response says the reason
                    return
        self._transport.write(last_chunk())
        self._is_sent = True

    async def _drain(self, pause: float | None) -> None:
        while self._is_full and not self._is_over:
            left = self._transport.get_write_buffer_size()
            self._writer = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._writer], timeout=pause)
            if self._is_full and not self._is_over and self._transport.get_write_buffer_size() >= left:
                raise NotTaken

    # reading

    async def read_head(self, remaining: Callable[[], float]) -> bytes:
        """Wait for status and headers; the part of the body that came with them.

        Raises what :meth:`read` raises.
        """
        part = b""
        while not self.response.status:
            part = await self._read(remaining)
        return part

    async def read(self, remaining: Callable[[], float]) -> bytes | None:
        """The next part of the body, None at its end; ``remaining`` says how many seconds are left.

        Raises ServiceCommunicationException, ProtocolException, TooLate, and what the parts of the request raise.
        """
        while not self.response.is_complete:
            part = await self._read(remaining)
            if part:
                return part
        return None

    async def finish(self) -> None:
        """Wait a moment for the end of a response of which all has been read, so that its connection can be kept."""
        if not self.response.is_complete:
            end = Deadline.after(FINISH)
            with suppress(TooLate, ServiceException):
                await self.read(lambda: end.remaining)

    async def _read(self, remaining: Callable[[], float]) -> bytes:
        while not self._came:
            if self._is_over:
                self._raise_failure()
                return b""
            await self._wait(remaining)
        data = b"".join(self._came)
        self._came.clear()
        if self._size > _BUFFER:
            self._transport.resume_reading()
        self._size = 0
        return self.response.feed(data)

    def _raise_failure(self) -> None:
        """Raise what the end of the connection means, unless that completes the response."""
        if self._failure is not None:
            raise lost(self._request, self._failure) from self._failure
        failure = self.response.end()
        if failure is not None:
            raise failure

    async def _wait(self, remaining: Callable[[], float]) -> None:
        """Wait for bytes or the end of the connection. Raises TooLate, and the failure of the body of the request."""
        if self._sending is not None and self._sending.done():
            sending, self._sending = self._sending, None
            sending.result()
        left = remaining()
        if left <= 0:
            raise TooLate
        reader = self._reader = asyncio.get_running_loop().create_future()
        timer = None if math.isinf(left) else start_timer(left, self._wake)
        try:
            await reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # the end

    async def aclose(self) -> None:
        """Keep the connection for the next call if all of request and response went over it, else close it."""
        self._give_back()
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
            await asyncio.wait([sending])
            if not sending.cancelled():
                sending.exception()  # known: the stream has ended for another reason

    def _give_back(self) -> None:
        """Put the connection back or close it. Does nothing the second time."""
        if self._is_closed:
            return
        self._is_closed = True
        response, transport = self.response, self._transport
        is_clean = self._is_sent and response.is_complete and not response.is_last and not self._came
        if is_clean and not transport.is_closing() and not transport.get_write_buffer_size():
            self._leased.connection.take_back()
            self._leased.put_back()
        else:
            transport.abort()

    # called by the loop

    def data_received(self, data: bytes) -> None:
        """Bytes have come; no more are read while many wait to be read."""
        self._came.append(data)
        self._size += len(data)
        if self._size > _BUFFER:
            self._transport.pause_reading()
        self._wake()

    def pause_writing(self) -> None:
        """The server reads more slowly than is written."""
        self._is_full = True

    def resume_writing(self) -> None:
        """There is room for more."""
        self._is_full = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes or goes any more."""
        self._is_over, self._failure = True, exc
        self._leased.connection.connection_lost(exc)
        self.resume_writing()
        self._wake()
