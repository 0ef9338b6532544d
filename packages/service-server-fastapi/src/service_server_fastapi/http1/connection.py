"""HTTP as uvicorn speaks it, to clients whose patience and modesty are not taken for granted.

uvicorn waits for ever for the head of a request and keeps whatever comes of it, so a client that sends a byte now
and then holds a connection, and one that never ends its head takes memory.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from service_server_fastapi.http1.backpressure import unsent
from service_server_fastapi.http1.request import ArrivedProtocol
from service_server_fastapi.http1.timeouts import Patience
from service_server_fastapi.http1.websocket import CivilWebSocket
from service_server_fastapi.settings import ServerSettings

__all__ = ["LimitedConfig", "LimitedProtocol"]

_MOST_WAITING: Final = 100
"""So many requests may wait behind the one in work; a client that sends more has its connection closed."""


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
    """One connection: the head of each request has to come within a time and a size.

    Whoever breaks a limit is told so, unless a request is in work: its caller would take that for its answer.
    """

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
        """Bytes that have come since the last one that belonged to a whole head or a body."""
        self._unsent = 0
        """Bytes that were to be sent when the connection was closed, or when it was last looked."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects is about to send something."""
        super().connection_made(transport)
        self._patience.last(self._settings.receive_timeout)

    def data_received(self, data: bytes) -> None:
        """Part of a head or a body."""
        if len(data) <= self._max_header_bytes and self.take_repeated(data):
            self._patience.rest()
            return
        if len(data) > self._max_header_bytes - self._head_size and (self._is_between or self._is_in_head):
            end = data.find(b"\r\n\r\n")
            if self._head_size + (len(data) if end < 0 else end) > self._max_header_bytes:
                self._refuse(b"431 Request Header Fields Too Large")
                return
        self._head_size += len(data)
        super().data_received(data)
        if self._head_size > self._max_header_bytes:  # of what comes after a body
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """The head of a request begins. While another one is in work, there is time."""
        super().on_message_begin()
        if self.cycle is not None and self.cycle.response_complete:  # the connection was idle
            self._patience.last(self._settings.receive_timeout)

    def on_headers_complete(self) -> None:
        """The head of a request is here. An error is for the parser, which refuses the request."""
        self._check_host()
        if self._hides_body():
            raise ValueError("the body would be taken for another request")
        if len(self.pipeline) >= _MOST_WAITING:
            raise ValueError("too many requests wait for their turn")
        super().on_headers_complete()
        self._head_size = 0
        self._patience.rest()

    def on_body(self, body: bytes) -> None:
        """Part of a body."""
        super().on_body(body)
        self._head_size = 0

    def on_message_complete(self) -> None:
        """A request is here."""
        super().on_message_complete()
        self._head_size = 0

    def on_response_complete(self) -> None:
        """An answer has been sent; if no further request is here already, the connection is idle."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # As uvicorn does it, but for the timer.
        self.server_state.total_requests += 1
        if self.flow.read_paused:
            self.flow.resume_reading()
        self._patience.last(self._settings.receive_timeout if self._is_in_head else self._settings.keep_alive)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        if self._can_refuse:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def closing(self) -> None:
        """The connection is closed as soon as all has been sent, or the client has taken nothing for some time.

        With TLS one cannot see what it takes; there uvloop gives up by itself, after 30 s.
        """
        self._unsent = 0 if self.scheme == "https" else unsent(self.transport)
        if self._unsent > 0:
            self._patience.last(self._settings.receive_timeout)
        else:
            self._patience.rest()

    def eof_received(self) -> None:
        """The client sends nothing more: it has hung up. The connection is closed anyway, but unheard of here."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing will come any more."""
        super().connection_lost(exc)
        self._patience.end()

    def handle_websocket_upgrade(self) -> None:
        """The connection is handed on to another protocol."""
        self.context.copy().run(super().handle_websocket_upgrade)

    @property
    def _can_refuse(self) -> bool:
        """Whether an answer given now is taken for that to what is arriving, and not to a request before it."""
        if self._is_between or self._is_in_head:
            return self.cycle is None or self.cycle.response_complete
        return not self.pipeline and not self.cycle.response_started

    def _hides_body(self) -> bool:
        """Whether the parser takes a body for what follows an upgrade, to which uvicorn does not agree."""
        parser: Any = self.parser
        if not parser.should_upgrade() or self._should_upgrade():
            return False
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )

    def _check_host(self) -> None:
        """RFC 9112, section 3.2: exactly one Host header, which HTTP/1.0 may lack."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() != "1.0"):
            raise ValueError("a request needs exactly one Host header")

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            if unsent(self.transport) < self._unsent:
                self.closing()
            else:
                self.transport.abort()
        elif self._is_in_head:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()  # an answer could be taken for that to a request which is on its way

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._can_refuse:
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()
