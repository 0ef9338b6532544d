"""HTTP as uvicorn speaks it, to clients whose patience and modesty are not taken for granted.

uvicorn waits for ever for the head of a request and keeps whatever comes of it, so a client that sends a byte now
and then holds a connection, and one that never ends its head takes memory.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from service_server_fastapi.joined import joined
from service_server_fastapi.settings import ServerSettings

__all__ = ["LimitedConfig", "LimitedProtocol"]


class LimitedConfig(Config):
    """A configuration of uvicorn that brings our settings to the protocol."""

    def __init__(self, app: Any, settings: ServerSettings) -> None:
        super().__init__(
            app,
            http=LimitedProtocol,
            ws="websockets-sansio",  # "auto" is a deprecated one in older versions
            log_config=None,  # logging is the application's
            lifespan="on",
            timeout_keep_alive=max(1, round(settings.keep_alive)),
            timeout_graceful_shutdown=math.ceil(settings.drain_timeout) + 1,  # if requests cannot be cancelled
            server_header=False,
        )
        self.settings = settings


class LimitedProtocol(HttpToolsProtocol):
    """One connection: the head of each request has to come within a time and a size."""

    def __init__(
        self,
        config: LimitedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self._settings = config.settings
        self._head_size = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects is about to send something."""
        super().connection_made(joined(transport, self.loop))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Part of a head or a body."""
        super().data_received(data)
        if not self._is_awaiting_head:
            self._end_of_head()
            return
        self._head_size += len(data)
        if self._head_size > self._settings.max_header_bytes:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing will come any more."""
        self._end_of_head()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection is handed on to another protocol."""
        self._is_upgraded = True
        super().handle_websocket_upgrade()

    @property
    def _is_awaiting_head(self) -> bool:
        return not self._is_upgraded and (self.cycle is None or self.cycle.response_complete)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._settings.receive_timeout, self._too_slow)

    def _end_of_head(self) -> None:
        self._head_size = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_awaiting_head:
            return
        if self._head_size > 0:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()  # an answer could be taken for that to a request which is on its way

    def _refuse(self, status: bytes) -> None:
        self._end_of_head()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            self.transport.close()
