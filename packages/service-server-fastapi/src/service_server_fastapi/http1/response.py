"""Responses as they are sent: heads, framing, and writing a head together with the body behind it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, Protocol

from service_core.dispatch import Response
from service_server_fastapi.access.rejections import CLOSE

_SMALL: Final = 64 * 1024
"""Up to so many bytes are copied, to be sent in one packet with what comes before them."""
_WITHOUT_BODY: Final = (204, 304)
"""Statuses whose responses have neither a body nor a length."""
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Wire(Protocol):
    """What a response is written to."""

    def write(self, data: bytes) -> None:
        """Send bytes, or buffer them."""
        ...

    async def drain(self) -> None:
        """Return when there is room for more; at once if the connection is lost."""
        ...


def status_line(status: int) -> bytes:
    """The first line of a response."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


_STATUS_LINES: Final = {status: status_line(status) for status in range(100, 600)}


class ResponseHeads:
    """Writes the heads of answers; how they begin is written once per second for all that begin alike."""

    __slots__ = ("_beginnings", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._beginnings: dict[tuple[int, str], str] = {}

    def head_of(self, answer: Response, *, closes: bool, framing: str | None = None) -> bytes:
        """The head of an answer. ``closes`` adds the header that says so, unless the answer has it.

        ``framing`` are the header lines that say how the body ends, where that is not in the answer.
        """
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._beginnings.clear()
        status, body, headers = answer.status, answer.body, answer.headers
        content_type = answer.content_type if body or framing is not None else ""
        if framing is None:
            framing = "" if status in _WITHOUT_BODY else f"content-length: {len(body)}\r\n"
        head = f"{self._beginnings.get((status, content_type)) or self._begin(status, content_type)}{framing}"
        for name, value in headers:
            head = f"{head}{name}: {value}\r\n"
        if closes and CLOSE not in headers:
            head += "connection: close\r\n"
        return f"{head}\r\n".encode("latin-1", "replace")

    def _begin(self, status: int, content_type: str) -> str:
        line = _STATUS_LINES[status].decode("ascii") + f"date: {formatdate(self._second, usegmt=True)}\r\n"
        beginning = line + (f"content-type: {content_type}\r\n" if content_type else "")
        self._beginnings[status, content_type] = beginning
        return beginning


class ResponseWriter:
    """Writes one response piece by piece, in chunks if its length is not known. Waits while the client reads slowly."""

    def __init__(self, wire: Wire, *, method: str, version: str, keep_alive: bool) -> None:
        self._wire = wire
        self._is_head = method == "HEAD"
        self._version = version
        self._held = b""
        self._left: int | None = None
        self.keep_alive = keep_alive
        """Whether the connection can be used again afterwards; false once a header says so."""
        self.has_begun = False
        self.is_complete = False

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin with a status and headers. Raises RuntimeError for a header that cannot be sent."""
        lines = [_STATUS_LINES.get(status) or status_line(status)]
        names = set()
        for given, value in headers:
            name = given.lower()
            if not _NAME.fullmatch(name) or _NO_VALUE.search(value):
                raise RuntimeError(f"the header {name[:100]!r} cannot be sent: a character in it is not allowed")
            if name == b"transfer-encoding":
                continue  # the framing is made here
            if name == b"content-length":
                self._left = int(value)
            elif name == b"connection" and b"close" in [one.strip() for one in value.lower().split(b",")]:
                self.keep_alive = False
            names.add(name)
            lines.append(b"%b: %b\r\n" % (name, value))
        if b"date" not in names:
            lines.append(b"date: %b\r\n" % formatdate(usegmt=True).encode())
        self._frame(status, lines)
        if not self.keep_alive and b"connection" not in names:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._held = b"".join(lines)
        self.has_begun = True

    def _frame(self, status: int, lines: list[bytes]) -> None:
        """Decide how the end of the body is marked."""
        self._is_chunked = False
        if self._is_head or status in _WITHOUT_BODY or status < 200:
            self._is_head, self._left = True, None
        elif self._left is None and self._version == "1.1":
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        elif self._left is None:
            self.keep_alive = False  # the end of the connection is the end of the body

    def flush(self) -> None:
        """Send a head that is held back to leave together with the first piece of the body."""
        if self._held:
            held, self._held = self._held, b""
            self._wire.write(held)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body. Raises RuntimeError if it is longer than announced."""
        if data and not self._is_head:
            self._put(self._framed(data))
        await self._wire.drain()

    def end(self, data: bytes = b"") -> None:
        """End the response with the last piece of its body. Raises RuntimeError if the length is not that announced.

        The client need not have taken it then: a connection waits for that before the next request.
        """
        framed = self._framed(data) if data and not self._is_head else b""
        if self._left:
            raise RuntimeError("the body of the response is shorter than its content-length")
        if self._is_chunked:
            framed += b"0\r\n\r\n"
        if framed:
            self._put(framed)
        self.flush()
        self.is_complete = True

    def _framed(self, data: bytes) -> bytes:
        """A piece of the body as it is sent."""
        if self._left is not None:
            if len(data) > self._left:
                raise RuntimeError("the body of the response is longer than its content-length")
            self._left -= len(data)
        return b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data

    def _put(self, data: bytes) -> None:
        if self._held and len(data) <= _SMALL:
            data, self._held = self._held + data, b""
        self.flush()
        self._wire.write(data)
