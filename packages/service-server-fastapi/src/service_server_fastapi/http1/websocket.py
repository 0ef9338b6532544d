"""WebSockets as uvicorn speaks them, without the connections that it keeps after a handshake that failed."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from service_server_fastapi.http1.request import IncomingRequest

__all__ = ["StrictWebSocket", "hand_over"]


class StrictWebSocket(WebSocketsSansIOProtocol):
    """One connection; a handshake that is refused ends it.

    uvicorn would keep it for ever, and a server that stops would fail at it before it has waited for others.
    """

    def data_received(self, data: bytes) -> None:
        """The handshake, or what comes after it."""
        super().data_received(data)
        is_refused = self.conn.handshake_exc is not None and not self.handshake_initiated
        if is_refused and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


def hand_over(
    transport: asyncio.Transport,
    request: IncomingRequest,
    rest: bytes,
    config: Config,
    server_state: ServerState,
    app_state: dict[str, Any],
) -> None:
    """Let uvicorn's class for WebSockets go on with a connection; ``rest`` has arrived behind the request."""
    make: Any = config.ws_protocol_class
    protocol = make(config=config, server_state=server_state, app_state=app_state)
    lines = [b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.target)]
    lines += [b"%b: %b\r\n" % header for header in request.headers]
    protocol.connection_made(transport)
    protocol.data_received(b"".join((*lines, b"\r\n", rest)))
    transport.set_protocol(protocol)
