"""The sending side of a connection: back pressure, and clients that do not read."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Final

from service_server_fastapi.http1.timeouts import Timeout

__all__ = ["Outgoing", "taken"]

_SMALL: Final = 64 * 1024
"""Up to so many bytes are copied to be sent together."""
_BYTES_ACKED: Final = slice(120, 128)
"""Where ``struct tcp_info`` of Linux has ``tcpi_bytes_acked``."""


class Outgoing:
    """Writes to a transport. A client that takes nothing of what is buffered for ``timeout`` seconds is dropped."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._transport = transport
        self._loop = loop
        self.timeout = timeout
        """Seconds for which a client may take nothing."""
        self._unread = Timeout(loop, self._check)
        self._taken = 0
        self._drained: asyncio.Future[None] | None = None
        self.is_paused = False
        """Whether more has been written than the transport wants to buffer."""
        self.is_lost = False
        """Whether nothing that is written reaches the client any more."""

    def write(self, data: bytes) -> None:
        """Send bytes, unless the connection is lost."""
        if self.is_lost:
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > 0 and not self._unread.is_set:
            self._watch()

    def write_whole(self, head: bytes, body: bytes) -> None:
        """Send a response of which all is here, in one packet if it is not large."""
        if len(body) <= _SMALL:
            self.write(head + body)
        else:
            self.write(head)
            self.write(body)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written, or is lost."""
        while self.is_paused and not self.is_lost:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def pause(self) -> None:
        """The transport buffers as much as it wants."""
        self.is_paused = True

    def resume(self) -> None:
        """The transport takes more."""
        self.is_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def close(self) -> None:
        """Close the connection when all has been sent."""
        self._transport.close()
        if self._transport.get_write_buffer_size() > 0 and not self._unread.is_set:
            self._watch()

    def lose(self) -> None:
        """The connection is gone."""
        self.is_lost = True
        self.release()
        self.resume()

    def release(self) -> None:
        """Leave the transport to another protocol."""
        self._unread.close()

    def _watch(self) -> None:
        self._taken = taken(self._transport)
        self._unread.set(self.timeout)

    def _check(self) -> None:
        if self._transport.get_write_buffer_size() == 0:
            return
        if taken(self._transport) == self._taken:
            self._transport.abort()
        else:
            self._watch()


def taken(transport: asyncio.WriteTransport) -> int:
    """A number that grows as long as the other side takes something of what was sent.

    On Linux it is the number of bytes that its operating system has acknowledged, with TLS as without. The size of the
    transport's buffer, which counts elsewhere, shrinks only by megabytes, and with TLS a part of it is hidden.
    """
    if sys.platform == "linux":
        try:
            info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128)
        except (OSError, ValueError, AttributeError):  # it is closed, or not TCP
            info = b""
        if len(info) == 128:
            return int.from_bytes(info[_BYTES_ACKED], sys.byteorder)
    return -transport.get_write_buffer_size()
