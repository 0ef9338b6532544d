"""A response whose body comes in parts, without I/O: bytes in, head and parts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httptools

from service_channels_http.transport.engine.reader import ResponseParser
from service_channels_http.transport.errors import broken_off
from service_channels_http.transport.limits import check_head
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ServiceException

_MAX_HEAD: Final = 64 * 1024
"""How many bytes status line and headers may have."""
FINISH: Final = 0.1
"""Seconds that the end of a body may come after the last of what it holds; the connection is closed otherwise."""


def chunk(data: bytes) -> bytes:
    """Data as one chunk of a request body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk() -> bytes:
    """The end of a body in chunks."""
    return b"0\r\n\r\n"


class TooLate(Exception):
    """The time of a step has passed. Not a TimeoutError, which an iterator of the caller may raise."""


class NotTaken(TooLate):
    """The other side has taken nothing of the body of a request for too long."""


class StreamedResponse:
    """Reads one response. What begins with ``on_`` is called by httptools."""

    def __init__(self, request: HTTPRequest, last: ResponseParser) -> None:
        """``last`` has read the last response of the connection: one that begins alike is not parsed again."""
        self._request = request
        self._last = last
        self._parser: Any = None
        self._names: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._head_size = 0
        self.status = 0
        """The HTTP status, 0 until the head has come."""
        self.headers: Mapping[str, str] = {}
        """By lower-case names."""
        self.is_complete = False
        """Whether the end of the body has come."""
        self.is_last = False
        """Whether the connection cannot take another request: the response says so, or more has come than it."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; the part of the body among them. Raises ServiceCommunicationException, ProtocolException."""
        if self._parser is not None:
            return self._parse(data)
        known = self._last.known(data)
        if known is not None:
            self.status, self.headers, self.is_complete = known.status, known.headers, True
            return known.content
        self._parser = httptools.HttpResponseParser(self)
        part = self._parse(data)
        if self.is_complete and not self.is_last:
            self._last.remember(data, HTTPReply(self.status, self.headers, part))
        return part

    def _parse(self, data: bytes) -> bytes:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.is_last = True
            if self.is_complete:
                return self._taken()
            raise broken_off(self._request) from error
        if not self.status:
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD:
                raise broken_off(self._request)
        elif self._head_size >= 0:
            self._head_size = -1
            check_head(self._request, {**self.headers, "content-length": ""}, 0)
        return self._taken()

    def _taken(self) -> bytes:
        part = b"".join(self._parts)
        self._parts.clear()
        return part

    def end(self) -> ServiceException | None:
        """The connection has ended; the error unless that completes the response."""
        self.is_last = True
        if self.status and "content-length" not in self.headers and "transfer-encoding" not in self.headers:
            self.is_complete = True
        return None if self.is_complete else broken_off(self._request)

    def on_message_begin(self) -> None:
        """A response begins; one that was not requested if the one before it is complete."""
        self.is_last = self.is_last or self.is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come."""
        self._names[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """A head has come; interim ones are read over (RFC 9110, section 15.2)."""
        status = self._parser.get_status_code()
        if status >= 200 and not self.status:
            self.status, self.headers = status, self._names
        self._names = {}

    def on_body(self, data: bytes) -> None:
        """Part of the body has come."""
        if not self.is_complete:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """The end of a response, or of an interim one, has come."""
        if self.status and not self.is_complete:
            self.is_complete = True
            self.is_last = self.is_last or not self._parser.should_keep_alive()
