"""A connection for async calls: an asyncio protocol with one call at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Final, cast

from service_channels_http._engine.message import ResponseParser
from service_channels_http._engine.origin import Origin
from service_channels_http._engine.waits import poll_for_reading
from service_channels_http._errors import lost, not_sent, time_is_up
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import ServiceException

__all__ = ["AsyncConnection"]

_CHUNK: Final = 256 * 1024


class AsyncConnection(asyncio.Protocol):
    """Used on one event loop, for one call after the other."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._parser = ResponseParser()
        self._request: HTTPRequest | None = None
        self._waiter: asyncio.Future[HTTPReply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._is_lost = False

    @classmethod
    async def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> AsyncConnection:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        loop = asyncio.get_running_loop()
        server_hostname = origin.host if origin.tls is not None else None
        try:
            async with asyncio.timeout(min(connect_timeout, request.deadline.remaining)):
                _, connection = await loop.create_connection(
                    cls, origin.host, origin.port, ssl=origin.tls, server_hostname=server_hostname
                )
        except TimeoutError as error:
            if request.deadline.expired:
                raise time_is_up(request.where) from error
            raise not_sent(request, "no connection in time", error) from error
        except (OSError, UnicodeError) as error:  # the latter for a name that is none
            raise not_sent(request, "cannot connect", error) from error
        return connection

    @property
    def is_reusable(self) -> bool:
        """Whether another call can use it."""
        return self._parser.reusable and not self._is_lost

    def is_fresh(self) -> bool:
        """Whether the other side has neither closed it nor said anything unasked."""
        return self.is_reusable and not self._transport.is_closing() and not self._poll(0)

    def close(self) -> None:
        """Close it at once."""
        self._transport.abort()

    async def exchange(self, request: HTTPRequest, head: bytes, max_bytes: int) -> HTTPReply:
        """Send a request and wait for its response. Raises ServiceCommunicationException, DeadlineExceeded."""
        self._parser.expect(request, max_bytes)
        self._request = request
        waiter: asyncio.Future[HTTPReply] = self._loop.create_future()
        self._waiter = waiter
        content = request.content
        is_small = len(content) <= _CHUNK
        self._transport.write(head + content if is_small else head)
        if self._transport.is_closing():  # the first byte could not be sent
            raise not_sent(request, "the connection was lost before anything was sent", ConnectionError())
        if not is_small:
            self._transport.write(content)
        self._wake_at(request.deadline.expires_at)
        try:
            return await waiter
        finally:
            self._waiter = None

    # called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._poll = poll_for_reading(transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None:
            self._parser.reusable = False  # nobody has asked for it
            return
        try:
            reply = self._parser.feed(data)
            if reply is not None and not waiter.done():
                waiter.set_result(reply)
        except ServiceException as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        waiter, request = self._waiter, self._request
        if waiter is None or request is None or waiter.done():
            return
        try:
            if exc is not None:
                raise lost(request, exc) from exc
            waiter.set_result(self._parser.end())
        except ServiceException as failure:
            self._fail(failure)

    # the deadline

    def _wake_at(self, expires_at: float) -> None:
        """See to it that a timer looks at the deadline.

        One that is due earlier is left as it is and sets itself again, so that short calls need no timer of their own.
        """
        timer = self._timer
        if timer is not None and not timer.cancelled():
            if self._timer_due <= expires_at:
                return
            timer.cancel()
        self._timer_due = expires_at
        seconds = min(expires_at - time.monotonic(), 3600.0)
        self._timer = self._loop.call_later(seconds, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        request = self._request
        if self._waiter is None or request is None:
            return
        if request.deadline.expired:
            self._fail(time_is_up(request.where))
        else:
            self._wake_at(request.deadline.expires_at)

    def _fail(self, error: ServiceException) -> None:
        self._parser.reusable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
