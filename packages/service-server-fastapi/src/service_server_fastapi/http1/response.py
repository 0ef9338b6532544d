"""One packet for one answer: uvicorn writes the head of a response and its body one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Joined"]

_SMALL: Final = 64 * 1024
"""Up to so many bytes are copied to be joined."""


class Joined:
    """A transport that holds the head of a response back until the body comes, or the event loop has nothing to do.

    Sending both at once saves a system call here, and there one more and being woken up twice: together a tenth of a
    short call.
    """

    __slots__ = ("_closing", "_head", "_loop", "_transport", "is_closing")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, closing: Callable[[], None]
    ) -> None:
        """``closing`` is called when the connection is to be closed, once."""
        self._transport = transport
        self._loop = loop
        self._closing = closing
        self._head = b""
        self.is_closing = transport.is_closing  # asked for every response, so it is not left to __getattr__

    def write(self, data: bytes) -> None:
        """Send data, now or soon."""
        if self._head and 0 < len(data) <= _SMALL:
            self._transport.write(self._take() + data)
        elif not self._head and data.startswith(b"HTTP/1.1 "):  # what follows a head may be a body that begins so
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._flush()
            self._transport.write(data)

    def write_whole(self, head: bytes, body: bytes) -> None:
        """Send a response of which all is here."""
        if self._head:
            self._flush()
        if len(body) <= _SMALL:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    def close(self) -> None:
        """Close the connection after all has been sent."""
        self._flush()
        if not self.is_closing():
            self._transport.close()
            self._closing()

    def _flush(self) -> None:
        if self._head:
            self._transport.write(self._take())

    def _take(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
