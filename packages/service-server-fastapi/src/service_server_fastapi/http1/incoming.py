"""The receiving side of a connection: requests in their order, and pauses while more arrives than is read."""

from __future__ import annotations

import asyncio
from typing import Final

from service_server_fastapi.http1.reader import RequestReader
from service_server_fastapi.http1.request import IncomingRequest

_MUCH: Final = 64 * 1024
"""Bytes of bodies that may be unread before the client has to wait."""


class Incoming:
    """The requests that a transport brings. Raises RejectedBytes where the reader does."""

    def __init__(self, transport: asyncio.Transport, reader: RequestReader) -> None:
        self._transport = transport
        self._reader = reader
        self._is_paused = False
        self.current: IncomingRequest | None = None
        """The request whose turn it is."""

    @property
    def is_in_head(self) -> bool:
        """Whether a part of a head has been read."""
        return self._reader.is_in_head

    @property
    def rest(self) -> bytes:
        """What followed the head of a request for a WebSocket."""
        return self._reader.after_upgrade or b""

    def feed(self, data: bytes) -> None:
        """Read bytes."""
        self._reader.feed(data)

    def next(self) -> IncomingRequest | None:
        """The next request, whose turn has come; None if none has arrived."""
        if self._is_paused:
            self.resume()
        waiting = self._reader.waiting
        self.current = waiting.popleft() if waiting else None
        return self.current

    def is_about_current(self) -> bool:
        """Whether what is wrong about the bytes read last can only concern the request whose turn it is or comes."""
        waiting = self._reader.waiting
        if self.current is not None:
            return not waiting and not self._reader.is_in_head and not self.current.body.is_complete
        return not waiting or (len(waiting) == 1 and not waiting[0].body.is_complete)

    def pause_if_much(self) -> None:
        """Let the client wait if much of what it has sent is unread."""
        unread = 0 if self.current is None else self.current.body.size
        if self._reader.waiting:
            unread += sum(request.body.size for request in self._reader.waiting)
        if unread > _MUCH and not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Let the client send more."""
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def lose(self) -> None:
        """What has not arrived will not arrive."""
        for request in (self.current, *self._reader.waiting):
            if request is not None:
                request.body.lose()
