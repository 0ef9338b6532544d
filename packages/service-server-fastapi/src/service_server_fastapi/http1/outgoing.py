"""The sending side of a connection: back pressure, clients that do not read, and responses written part by part."""

from __future__ import annotations

import asyncio
from typing import Final

from service_core.dispatch import Response
from service_server_fastapi.http1.response import ResponseHeads
from service_server_fastapi.http1.timeouts import STREAM_PAUSE, Timeout
from service_server_fastapi.requests import tcp
from service_server_fastapi.requests.sending import unbuffered

_SMALL: Final = 64 * 1024
"""Up to so many bytes are copied to be sent together."""


class Outgoing:
    """Writes to a transport. A client that takes nothing of what is buffered for ``timeout`` seconds is dropped."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        tcp.send_at_once(transport)
        self._transport = transport
        self._loop = loop
        self.timeout = timeout
        """Seconds for which a client may take nothing."""
        self._usual_timeout = timeout
        self._unread = Timeout(loop, self._check)
        self._peer = Timeout(loop, self._check_peer)
        self._taken = 0
        self._drained: asyncio.Future[None] | None = None
        self.is_paused = False
        """Whether more has been written than the transport wants to buffer."""
        self.is_lost = False
        """Whether nothing that is written reaches the client any more."""

    def write(self, data: bytes, body: bytes = b"") -> None:
        """Send bytes, unless the connection is lost; those of a body behind them in one packet if it is not large."""
        if self.is_lost:
            return
        transport = self._transport
        if len(body) <= _SMALL:
            transport.write(data + body)
        else:
            transport.write(data)
            transport.write(body)
        if transport.get_write_buffer_size() > 0 and not self._unread.is_set:
            self._watch()

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

    def begin_stream(self) -> None:
        """Let the client pause while it reads, and notice if it is lost. Safe to call twice."""
        if not self._peer.is_set:
            self.timeout = STREAM_PAUSE
            tcp.probe(self._transport)
            self._peer.set(tcp.LOOK)

    def end_stream(self) -> None:
        """Expect as much of the client as before the stream."""
        self.timeout = self._usual_timeout
        self._peer.clear()

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
        self._peer.close()

    def _watch(self) -> None:
        self._taken = tcp.taken(self._transport)
        self._unread.set(self.timeout)

    def _check(self) -> None:
        if self._transport.get_write_buffer_size() == 0:
            return
        if tcp.taken(self._transport) == self._taken:
            self._transport.abort()
        else:
            self._watch()

    def _check_peer(self) -> None:
        if tcp.is_lost(self._transport):
            self._transport.abort()
        else:
            self._peer.set(tcp.LOOK)


class StreamedAnswer:
    """Writes the parts of one body as chunks (RFC 9112, 7.1); a body that is whole at once as one of known length.

    Used by the task of the call. To a client of HTTP/1.0 the end of the connection is the end of the body.
    """

    __slots__ = ("_answer", "_closes", "_has_begun", "_heads", "_is_chunked", "_out")

    def __init__(self, out: Outgoing, heads: ResponseHeads, answer: Response, *, closes: bool, version: str) -> None:
        """``closes`` means that the connection ends after the response."""
        self._out = out
        self._heads = heads
        self._answer = answer
        self._is_chunked = version == "1.1"
        self._closes = closes
        self._has_begun = False

    @property
    def closes(self) -> bool:
        """Whether the connection ends after the response."""
        return self._closes or (self._has_begun and not self._is_chunked)

    @property
    def is_full(self) -> bool:
        """Whether the client reads more slowly than is written."""
        return self._out.is_paused

    def write(self, part: bytes) -> None:
        """Send a part, the first one together with the head."""
        head = b""
        if not self._has_begun:
            self._has_begun = True
            self._answer.headers = unbuffered(self._answer)
            framing = "transfer-encoding: chunked\r\n" if self._is_chunked else ""
            head = self._heads.head_of(self._answer, closes=self.closes, framing=framing)
            self._out.begin_stream()
        self._out.write(head + self._framed(part))

    async def drain(self) -> None:
        """Wait until the client has taken enough, or is lost."""
        await self._out.drain()

    def end(self, last: bytes) -> None:
        """Send the last part, and the end of the body."""
        if not self._has_begun:
            framing = f"content-length: {len(last)}\r\n"
            self._out.write(self._heads.head_of(self._answer, closes=self._closes, framing=framing), last)
            return
        self._out.write(self._framed(last) + (b"0\r\n\r\n" if self._is_chunked else b""))
        self._out.end_stream()

    def _framed(self, part: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(part), part) if self._is_chunked and part else part
