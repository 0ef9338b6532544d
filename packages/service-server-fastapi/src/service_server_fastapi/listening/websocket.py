"""WebSockets as uvicorn speaks them, without the connections that it keeps after a handshake that failed."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


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
