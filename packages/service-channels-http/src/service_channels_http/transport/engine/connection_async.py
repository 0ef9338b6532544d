"""A connection for async calls: an asyncio protocol with one call at a time."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Final, cast

from service_channels_http.transport.engine.connecting import addresses_of, connect_async
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.polling import poll_for
from service_channels_http.transport.engine.reader import ResponseParser
from service_channels_http.transport.engine.resolver import resolver
from service_channels_http.transport.errors import deadline_exceeded, lost, not_sent
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ServiceException

_CHUNK: Final = 256 * 1024
_PAUSE: Final = 0.1
"""Seconds after a deadline from which on its timer was late because this process was suspended or blocked."""
_CATCH_UP: Final = 1.0
"""Seconds that an answer may take to be read, or a connection to be made, after such a pause."""
_TURN: Final = 0.005
"""Seconds in which the loop has read from its sockets once."""


class AsyncConnection(asyncio.Protocol):
    """Used on one event loop, for one call after the other."""

    def __init__(self) -> None:
        self.parser = ResponseParser()
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._request: HTTPRequest | None = None
        self._waiter: asyncio.Future[HTTPReply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf

    @classmethod
    async def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> AsyncConnection:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        end = min(request.deadline.expires_at, time.monotonic() + connect_timeout)
        try:
            try:
                return await cls._connect(origin, end)
            except TimeoutError:
                late = time.monotonic()
                if late - end < _PAUSE or request.deadline.expired:
                    raise
            # The connection may have been made, but the event loop was too busy to notice.
            return await cls._connect(origin, min(request.deadline.expires_at, late + _CATCH_UP))
        except TimeoutError as error:
            if request.deadline.expired:
                raise deadline_exceeded(request, may_have_run=False) from error
            raise not_sent(request, "no connection in time", error) from error
        except (OSError, UnicodeError) as error:  # the latter for a name that is none
            raise not_sent(request, "cannot connect", error) from error

    @classmethod
    async def _connect(cls, origin: Origin, end: float) -> AsyncConnection:
        loop = asyncio.get_running_loop()
        server_hostname = origin.host if origin.tls is not None else None
        async with asyncio.timeout(end - time.monotonic()):
            addresses = await addresses_of(origin)
            try:
                connected = await connect_async(addresses)
                _, connection = await loop.create_connection(
                    cls, sock=connected, ssl=origin.tls, server_hostname=server_hostname
                )
            except OSError:
                resolver.forget(origin.host, origin.port)
                raise
        return connection

    def is_fresh(self) -> bool:
        """Whether the other side has neither closed it nor said anything unasked."""
        return self.parser.reusable and not self._transport.is_closing() and not self._poll(0)

    def close(self) -> None:
        """Close it at once."""
        self._transport.abort()

    def exchange(self, request: HTTPRequest, head: bytes, max_bytes: int) -> asyncio.Future[HTTPReply]:
        """Send a request; its response is what comes, or ServiceCommunicationException, DeadlineExceeded.

        Raises ServiceCommunicationException if nothing could be sent.
        """
        self.parser.expect(request, max_bytes)
        self._request = request
        transport, content = self._transport, request.content
        is_small = len(content) <= _CHUNK
        transport.write(head + content if is_small else head)
        if transport.is_closing():  # the first byte could not be sent
            raise not_sent(request, "the connection was lost before anything was sent", ConnectionError())
        if not is_small:
            transport.write(content)
        expires_at = request.deadline.expires_at
        if expires_at < self._timer_due:
            self._wake_at(expires_at)
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def lease(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Let another protocol use the transport until :meth:`take_back`; this connection hears nothing meanwhile."""
        self._transport.set_protocol(protocol)
        return self._transport

    def take_back(self) -> None:
        """Use the transport again."""
        self._transport.set_protocol(self)

    # called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        file = transport.get_extra_info("socket").fileno()
        self._poll = poll_for(file, reading=True)
        self._poll_for_writing = poll_for(file, writing=True)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.parser.reusable = False  # unrequested data
            self._transport.abort()
            return
        try:
            reply = self.parser.feed(data)
        except ServiceException as error:
            self._fail(error)
        else:
            if reply is not None:
                self._finish(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.parser.reusable = False
        if self._timer is not None:
            self._timer.cancel()
        request = self._request
        if self._waiter is None or request is None:
            return
        try:
            if exc is not None:
                raise lost(request, exc) from exc
            self._finish(self.parser.end())
        except ServiceException as failure:
            self._fail(failure)

    # the deadline

    def _wake_at(self, expires_at: float) -> None:
        """Let the timer look at the deadline no later than then.

        If the call that is under way then has more time, it sets itself again; so short calls need none of their own.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = expires_at
        seconds = min(expires_at - time.monotonic(), 3600.0)
        self._timer = self._loop.call_later(seconds, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer, self._timer_due = None, math.inf
        request = self._request
        if self._waiter is None or request is None:
            return
        if not request.deadline.expired:
            self._wake_at(request.deadline.expires_at)
        elif time.monotonic() - request.deadline.expires_at > _PAUSE and self._poll(0):
            self._read_first(request)
        else:
            self._fail(deadline_exceeded(request, may_have_run=True))

    def _read_first(self, request: HTTPRequest) -> None:
        """After a pause of this process: read what has arrived meanwhile before the call fails.

        The loop runs timers before it reads. So this lets it read once and looks again, as long as there is more.
        """
        end = time.monotonic() + _CATCH_UP

        def poll_again() -> None:
            if self._request is not request or self._waiter is None:
                return
            if self._poll(0) and time.monotonic() < end:
                self._loop.call_later(_TURN, poll_again)
            else:
                self._fail(deadline_exceeded(request, may_have_run=True))

        self._loop.call_later(_TURN, poll_again)

    # the end of a call

    def _finish(self, reply: HTTPReply) -> None:
        if self.parser.reusable and (self._transport.get_write_buffer_size() or self._is_stuck()):
            self.parser.reusable = False  # the next request would wait behind the rest of this one
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _is_stuck(self) -> bool:
        """Whether the socket takes no more after a large request: what TLS has encrypted no transport counts."""
        request = self._request
        return request is not None and len(request.content) > _CHUNK and not self._poll_for_writing(0)

    def _fail(self, error: ServiceException) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
