"""The transport over the engine: one engine in each process for sync calls, one on each event loop for async ones."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.connection_sync import SyncConnection
from service_channels_http.transport.engine.pool import AsyncEngine, Engine, LeasedConnection
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.scopes import OncePerLoop, OncePerProcess


class EngineTransport(OncePerProcess[Engine]):
    """Sends with the engine of this process."""

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """Send one request and wait for the reply; None, and nothing is sent, for addresses that httpx carries."""
        return self.get().send(request, connect_timeout=connect_timeout, max_bytes=max_bytes)

    def lease(
        self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float
    ) -> LeasedConnection[SyncConnection] | None:
        """A connection for a request that has a stream; None for addresses that httpx carries."""
        return self.get().lease(request, until, connect_timeout)


class AsyncEngineTransport(OncePerLoop[AsyncEngine]):
    """Sends with the engine of the running event loop."""

    def send(
        self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int
    ) -> Coroutine[Any, Any, HTTPReply | None]:
        """As :meth:`EngineTransport.send`."""
        return self.get().send(request, connect_timeout=connect_timeout, max_bytes=max_bytes)

    async def lease(
        self, request: HTTPRequest, until: HTTPRequest, connect_timeout: float
    ) -> LeasedConnection[AsyncConnection] | None:
        """As :meth:`EngineTransport.lease`."""
        return await self.get().lease(request, until, connect_timeout)
