"""The engines: they pick a connection for each request, and keep it if it can be used again."""

from __future__ import annotations

import asyncio
from typing import Final, Generic, TypeVar

from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.connection_sync import SyncConnection
from service_channels_http.transport.engine.idle import IdleConnections
from service_channels_http.transport.engine.origin import Origin, split
from service_channels_http.transport.engine.reader import write_beginning, write_head
from service_channels_http.transport.interface import PoolLimits
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.tls.context import ClientTLS

C = TypeVar("C", SyncConnection, AsyncConnection)

_MANY: Final = 1000
"""Addresses that are remembered, of requests and of instances without a connection."""


class _Pool(Generic[C]):
    """An origin and its idle connections."""

    __slots__ = ("idle", "origin")

    def __init__(self, origin: Origin, limits: PoolLimits) -> None:
        self.origin = origin
        self.idle: IdleConnections[C] = IdleConnections(
            limit=limits.max_keepalive_connections, expiry=limits.keepalive_expiry
        )


class _PreparedTarget(Generic[C]):
    """What requests that begin alike have in common."""

    __slots__ = ("beginning", "fixed", "idle", "origin")

    def __init__(self, pool: _Pool[C], request: HTTPRequest, target: str) -> None:
        self.origin = pool.origin
        self.idle: IdleConnections[C] = pool.idle
        self.fixed = request.fixed
        self.beginning = write_beginning(request, target, pool.origin.authority)


class LeasedConnection(Generic[C]):
    """A connection that carries a stream, and belongs to its holder until it is put back or closed."""

    __slots__ = ("_idle", "connection", "head")

    def __init__(self, connection: C, idle: IdleConnections[C], head: bytes) -> None:
        self.connection: C = connection
        self.head = head
        """The head of the request to send."""
        self._idle: IdleConnections[C] = idle

    def put_back(self) -> None:
        """Keep the connection for the next request; the response has been read to its end."""
        self._idle.put(self.connection)


class _Pools(Generic[C]):
    """What both engines share: where requests go, by their address."""

    def __init__(self, limits: PoolLimits, tls: ClientTLS) -> None:
        self._limits = limits
        self._tls = tls
        self._pools: dict[str, _Pool[C] | None] = {}
        self._prepared: dict[tuple[str, str], _PreparedTarget[C]] = {}
        self._stream_ways: dict[tuple[str, str], _PreparedTarget[C]] = {}
        self._is_closed = False

    def _way_of_stream(self, request: HTTPRequest) -> _PreparedTarget[C] | None:
        """How to send a request that has a stream; None if httpx has to do it."""
        prepared = self._stream_ways.get((request.method, request.url))
        if prepared is None or prepared.fixed is not request.fixed:
            prepared = self._find(request, self._stream_ways)
        return prepared

    def _find(self, request: HTTPRequest, ways: dict[tuple[str, str], _PreparedTarget[C]]) -> _PreparedTarget[C] | None:
        """How to send requests that begin as this one, which ``ways`` hold from now on; None if httpx has to do it."""
        beginning, target = split(request.url)
        pool = self._pool(beginning)
        if pool is None or not target:
            return None
        if len(ways) >= _MANY:
            ways.clear()
        key = request.method, request.url
        prepared = ways[key] = _PreparedTarget(pool, request, target)
        if self._pools.get(beginning) is not pool:  # another thread has forgotten it, and it keeps nothing any more
            ways.pop(key, None)
        return prepared

    def _pool(self, beginning: str) -> _Pool[C] | None:
        """The origin with that address; None if httpx has to send there."""
        try:
            return self._pools[beginning]
        except KeyError:
            self._forget_unused()
            origin = Origin.parse(beginning, self._tls) if self._limits.max_connections is None else None
            made: _Pool[C] | None = None if origin is None else _Pool(origin, self._limits)
            pool = self._pools.setdefault(beginning, made)  # another thread may have been quicker
            if self._is_closed:
                self._close_idle()
            return pool

    def _close_idle(self) -> None:
        """Close all idle connections; those in use are closed after their call."""
        self._is_closed = True
        for pool in list(self._pools.values()):
            if pool is not None:
                pool.idle.close()

    def _forget_unused(self) -> None:
        # Instances come and go. Their connections need not stay open, nor their addresses be remembered for ever.
        pools = list(self._pools.items())
        for _, pool in pools:
            if pool is not None:
                pool.idle.close_unusable()
        if len(pools) >= _MANY:
            for beginning, pool in pools:
                if pool is None or pool.idle.is_empty():
                    self._pools.pop(beginning, None)
                    if pool is not None:
                        pool.idle.close()  # a call may be under way
            self._prepared.clear()
            self._stream_ways.clear()


class Engine(_Pools[SyncConnection]):
    """For sync calls. Safe to use from several threads."""

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """Send one request and wait for the reply; None, and nothing is sent, if httpx has to do it.

        Raises ServiceCommunicationException, DeadlineExceeded, LocalServiceException.
        """
        prepared = self._prepared.get((request.method, request.url))
        if prepared is None or prepared.fixed is not request.fixed:
            prepared = self._find(request, self._prepared)
            if prepared is None:
                return None
        head = write_head(request, prepared.beginning)
        connection = prepared.idle.take() or SyncConnection.open(prepared.origin, request, connect_timeout)
        try:
            reply = connection.exchange(request, head, max_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.parser.reusable:
            prepared.idle.put(connection)
        else:
            connection.close()
        return reply

    def lease(
        self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float
    ) -> LeasedConnection[SyncConnection] | None:
        """A connection for a request that has a stream, an idle one if there is; None if httpx has to send it.

        ``until`` is the same request with the deadline of connecting. Raises ServiceCommunicationException,
        DeadlineExceeded, LocalServiceException; nothing was sent then.
        """
        prepared = self._way_of_stream(request)
        if prepared is None:
            return None
        connection = prepared.idle.take() or SyncConnection.open(prepared.origin, until, connect_timeout)
        return LeasedConnection(connection, prepared.idle, write_head(request, prepared.beginning))

    def close(self) -> None:
        """Close the idle connections now and the others after their call."""
        self._close_idle()


class AsyncEngine(_Pools[AsyncConnection]):
    """For async calls on one event loop."""

    async def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """As :meth:`Engine.send`. A call that is cancelled closes its connection."""
        prepared = self._prepared.get((request.method, request.url))
        if prepared is None or prepared.fixed is not request.fixed:
            prepared = self._find(request, self._prepared)
            if prepared is None:
                return None
        head = write_head(request, prepared.beginning)
        connection = prepared.idle.take() or await AsyncConnection.open(prepared.origin, request, connect_timeout)
        try:
            reply = await connection.exchange(request, head, max_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.parser.reusable:
            prepared.idle.put(connection)
        else:
            connection.close()
        return reply

    async def lease(
        self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float
    ) -> LeasedConnection[AsyncConnection] | None:
        """As :meth:`Engine.lease`."""
        prepared = self._way_of_stream(request)
        if prepared is None:
            return None
        connection = prepared.idle.take() or await AsyncConnection.open(prepared.origin, until, connect_timeout)
        return LeasedConnection(connection, prepared.idle, write_head(request, prepared.beginning))

    async def aclose(self) -> None:
        """Close the idle connections now and the others after their call."""
        self._close_idle()
        await asyncio.sleep(0)  # the loop closes sockets in its next turn
