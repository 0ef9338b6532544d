"""The engines: they pick a connection for each request, and keep it if it can be used again."""

from __future__ import annotations

import asyncio
from typing import Final, Generic, TypeVar

from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.connection_sync import Connection
from service_channels_http.transport.engine.idle import Idle
from service_channels_http.transport.engine.origin import Origin, split
from service_channels_http.transport.engine.reader import write_beginning, write_head
from service_channels_http.transport.interface import PoolLimits
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.tls.context import ClientTLS

__all__ = ["AsyncEngine", "Engine", "Lent"]

C = TypeVar("C", Connection, AsyncConnection)

_MANY: Final = 1000
"""Addresses that are remembered, of requests and of instances without a connection."""


class _Place(Generic[C]):
    """An origin and its idle connections."""

    __slots__ = ("idle", "origin")

    def __init__(self, origin: Origin, limits: PoolLimits) -> None:
        self.origin = origin
        self.idle: Idle[C] = Idle(limit=limits.max_keepalive_connections, expiry=limits.keepalive_expiry)


class _Way(Generic[C]):
    """What requests that begin alike have in common."""

    __slots__ = ("beginning", "fixed", "idle", "origin")

    def __init__(self, place: _Place[C], request: HTTPRequest, target: str) -> None:
        self.origin = place.origin
        self.idle: Idle[C] = place.idle
        self.fixed = request.fixed
        self.beginning = write_beginning(request, target, place.origin.authority)


class Lent(Generic[C]):
    """A connection that carries a stream, and belongs to its holder until it is put back or closed."""

    __slots__ = ("_idle", "connection", "head")

    def __init__(self, connection: C, idle: Idle[C], head: bytes) -> None:
        self.connection: C = connection
        self.head = head
        """The head of the request to send."""
        self._idle: Idle[C] = idle

    def put_back(self) -> None:
        """Keep the connection for the next request; the response has been read to its end."""
        self._idle.put(self.connection)


class _Places(Generic[C]):
    """What both engines share: where requests go, by their address."""

    def __init__(self, limits: PoolLimits, tls: ClientTLS) -> None:
        self._limits = limits
        self._tls = tls
        self._places: dict[str, _Place[C] | None] = {}
        self._ways: dict[tuple[str, str], _Way[C]] = {}
        self._is_closed = False

    def _find(self, request: HTTPRequest) -> _Way[C] | None:
        """How to send requests that begin as this one; None if httpx has to do it."""
        beginning, target = split(request.url)
        place = self._place(beginning)
        if place is None or not target:
            return None
        if len(self._ways) >= _MANY:
            self._ways.clear()
        key = request.method, request.url
        way = self._ways[key] = _Way(place, request, target)
        if self._places.get(beginning) is not place:  # another thread has forgotten it, and it keeps nothing any more
            self._ways.pop(key, None)
        return way

    def _find_for_stream(self, request: HTTPRequest) -> tuple[_Place[C], bytes] | None:
        """Where a request that has a stream goes, and its head; None if httpx has to send it."""
        beginning, target = split(request.url)
        place = self._place(beginning)
        if place is None or not target:
            return None
        return place, write_head(request, write_beginning(request, target, place.origin.authority))

    def _place(self, beginning: str) -> _Place[C] | None:
        """The origin with that address; None if httpx has to send there."""
        try:
            return self._places[beginning]
        except KeyError:
            self._leave_unused()
            origin = Origin.parse(beginning, self._tls) if self._limits.max_connections is None else None
            made: _Place[C] | None = None if origin is None else _Place(origin, self._limits)
            place = self._places.setdefault(beginning, made)  # another thread may have been quicker
            if self._is_closed:
                self._close_idle()
            return place

    def _close_idle(self) -> None:
        """Close all idle connections; those in use are closed after their call."""
        self._is_closed = True
        for place in list(self._places.values()):
            if place is not None:
                place.idle.close()

    def _leave_unused(self) -> None:
        # Instances come and go. Their connections need not stay open, nor their addresses be remembered for ever.
        places = list(self._places.items())
        for _, place in places:
            if place is not None:
                place.idle.close_unusable()
        if len(places) >= _MANY:
            for beginning, place in places:
                if place is None or place.idle.is_empty():
                    self._places.pop(beginning, None)
                    if place is not None:
                        place.idle.close()  # a call may be under way
            self._ways.clear()


class Engine(_Places[Connection]):
    """For sync calls. Safe to use from several threads."""

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """Send one request and wait for the reply; None, and nothing is sent, if httpx has to do it.

        Raises ServiceCommunicationException, DeadlineExceeded, LocalServiceException.
        """
        way = self._ways.get((request.method, request.url))
        if way is None or way.fixed is not request.fixed:
            way = self._find(request)
            if way is None:
                return None
        head = write_head(request, way.beginning)
        connection = way.idle.take() or Connection.open(way.origin, request, connect_timeout)
        try:
            reply = connection.exchange(request, head, max_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.parser.reusable:
            way.idle.put(connection)
        else:
            connection.close()
        return reply

    def lend(self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float) -> Lent[Connection] | None:
        """A connection for a request that has a stream, an idle one if there is; None if httpx has to send it.

        ``until`` is the same request with the deadline of connecting. Raises ServiceCommunicationException,
        DeadlineExceeded, LocalServiceException; nothing was sent then.
        """
        found = self._find_for_stream(request)
        if found is None:
            return None
        place, head = found
        connection = place.idle.take() or Connection.open(place.origin, until, connect_timeout)
        return Lent(connection, place.idle, head)

    def close(self) -> None:
        """Close the idle connections now and the others after their call."""
        self._close_idle()


class AsyncEngine(_Places[AsyncConnection]):
    """For async calls on one event loop."""

    async def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """As :meth:`Engine.send`. A call that is cancelled closes its connection."""
        way = self._ways.get((request.method, request.url))
        if way is None or way.fixed is not request.fixed:
            way = self._find(request)
            if way is None:
                return None
        head = write_head(request, way.beginning)
        connection = way.idle.take() or await AsyncConnection.open(way.origin, request, connect_timeout)
        try:
            reply = await connection.exchange(request, head, max_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.parser.reusable:
            way.idle.put(connection)
        else:
            connection.close()
        return reply

    async def lend(
        self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float
    ) -> Lent[AsyncConnection] | None:
        """As :meth:`Engine.lend`."""
        found = self._find_for_stream(request)
        if found is None:
            return None
        place, head = found
        connection = place.idle.take() or await AsyncConnection.open(place.origin, until, connect_timeout)
        return Lent(connection, place.idle, head)

    async def aclose(self) -> None:
        """Close the idle connections now and the others after their call."""
        self._close_idle()
        await asyncio.sleep(0)  # the loop closes sockets in its next turn
