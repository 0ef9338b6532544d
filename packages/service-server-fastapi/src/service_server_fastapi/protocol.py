"""HTTP as uvicorn speaks it, to clients whose patience and modesty are not taken for granted.

uvicorn waits for ever for the head of a request and keeps whatever comes of it, so a client that sends a byte now
and then holds a connection, and one that never ends its head takes memory.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from service_server_fastapi.arrived import ArrivedProtocol
from service_server_fastapi.patience import Patience
from service_server_fastapi.settings import ServerSettings
from service_server_fastapi.websocket import CivilWebSocket

__all__ = ["LimitedConfig", "LimitedProtocol"]


class LimitedConfig(Config):
    """A configuration of uvicorn that brings our settings to the protocol."""

    def __init__(self, app: Any, settings: ServerSettings, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            app,
            http=LimitedProtocol,
            ws=CivilWebSocket,
            log_config=None,  # logging is the application's
            lifespan="on",
            timeout_keep_alive=max(1, round(settings.keep_alive)),
            timeout_graceful_shutdown=math.ceil(settings.drain_timeout) + 1,  # if requests cannot be cancelled
            server_header=False,
        )
        self.settings = settings
        self._tls = tls

    def load(self) -> None:
        """Make what is needed to serve. uvicorn's own settings for TLS would be read in the serving thread."""
        super().load()
        self.ssl = self._tls


class LimitedProtocol(ArrivedProtocol):
    """One connection: the head of each request has to come within a time and a size."""

    def __init__(
        self,
        config: LimitedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, max_body_bytes=config.settings.max_body_bytes)
        self.access_log = False
        self._settings = config.settings
        self._max_header_bytes = config.settings.max_header_bytes
        self._patience = Patience(self.loop, self._too_slow)
        self._head_size = 0
        self._is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects is about to send something."""
        super().connection_made(transport)
        self._patience.last(self._settings.receive_timeout)

    def data_received(self, data: bytes) -> None:
        """Part of a head or a body."""
        if len(data) <= self._max_header_bytes and self.take_repeated(data):
            self._patience.rest()
            return
        if len(data) > self._max_header_bytes - self._head_size and self._is_awaiting_head:
            end = data.find(b"\r\n\r\n")
            if self._head_size + (len(data) if end < 0 else end) > self._max_header_bytes:
                self._refuse(b"431 Request Header Fields Too Large")
                return
        super().data_received(data)
        if not self._is_awaiting_head:
            self._head_size = 0
            self._patience.rest()
            return
        if self._head_size == 0 and self.cycle is not None:  # it was idle
            self._patience.last(self._settings.receive_timeout)
        self._head_size += len(data)

    def on_response_complete(self) -> None:
        """An answer has been sent; if no further request is here already, the connection is idle."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # As uvicorn does it, but for the timer.
        self.server_state.total_requests += 1
        if self.flow.read_paused:
            self.flow.resume_reading()
        self._patience.last(self._settings.keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing will come any more."""
        self._patience.end()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection is handed on to another protocol."""
        self._is_upgraded = True
        self.context.copy().run(super().handle_websocket_upgrade)

    @property
    def _is_awaiting_head(self) -> bool:
        return not self._is_upgraded and (self.cycle is None or self.cycle.response_complete)

    def _too_slow(self) -> None:
        if self._head_size > 0:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()  # an answer could be taken for that to a request which is on its way

    def _refuse(self, status: bytes) -> None:
        self._patience.rest()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            self.transport.close()
