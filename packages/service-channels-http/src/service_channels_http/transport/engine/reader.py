"""HTTP/1.1 messages without I/O: a request as bytes, and the state of a response as its bytes come in."""

from __future__ import annotations

import functools
from typing import Final

import httptools

from service_channels_http.transport.engine.head_cache import RepeatedHead
from service_channels_http.transport.errors import broken_off
from service_channels_http.transport.header_values import check_header
from service_channels_http.transport.limits import check_head, check_size
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ServiceException
from service_core.wire import DEADLINE_MS, milliseconds_left

_MAX_HEAD: Final = 64 * 1024
"""How many bytes status line and headers may have."""
_MOST_NAMES: Final = 1000
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def write_beginning(request: HTTPRequest, target: str, authority: str) -> bytes:
    """What many requests have in common: the request line and fixed headers. Raises LocalServiceException."""
    lines = f"{request.method} {target} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: service\r\n"
    for name, value in request.fixed.items():
        _check(request, name, value)
        lines += f"{name}: {value}\r\n"
    return lines.encode("latin-1")


def write_head(request: HTTPRequest, beginning: bytes) -> bytes:
    """The head of a request after its beginning. Raises LocalServiceException for what would not stay one header."""
    headers, content = request.headers, request.content
    left = milliseconds_left(request.deadline)
    lines = f"{DEADLINE_MS}: {left}\r\n" if left and DEADLINE_MS not in headers else ""
    for name, value in headers.items():
        if name not in _names or not value.isascii() or not value.isalnum():
            _check(request, name, value)
        lines = f"{lines}{name}: {value}\r\n"
    if "transfer-encoding" in headers or not (content or request.method in _WITH_BODY):
        return beginning + f"{lines}\r\n".encode("latin-1")
    return beginning + f"{lines}content-length: {len(content)}\r\n\r\n".encode("latin-1")


_names: Final[set[str]] = set()
"""Names that have been found to be some, so that they are not looked at for every request."""


def _check(request: HTTPRequest, name: str, value: str) -> None:
    check_header(request, name, value)
    if len(_names) < _MOST_NAMES:
        _names.add(name)


@functools.lru_cache(100)
def _name(raw: bytes) -> str:
    """The name of a header of a response; there are few."""
    return raw.decode("latin-1").lower()


class ResponseParser:
    """Reads the responses of one connection, one after the other.

    What begins with ``on_`` is called by httptools. Headers and parts of a body are noted by methods of dicts and
    lists, without a line of Python: a call is short, so what is done for each of them would show. What comes after a
    body in the form of headers is ignored: it would be applied to the response as a whole.
    """

    __slots__ = (
        "_fed",
        "_headers",
        "_is_quiet",
        "_max_bytes",
        "_merged",
        "_parser",
        "_parts",
        "_raw",
        "_repeated",
        "_reply",
        "_request",
        "_size",
        "_without_body",
        "on_body",
        "on_header",
        "on_message_begin",
        "reusable",
    )

    def __init__(self) -> None:
        self._raw: dict[bytes, bytes] = {}
        self.on_header = self._raw.__setitem__
        self._headers: dict[str, str] | None = None
        """None until all of them have come."""
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._merged = 0
        """How many parts of the body have been looked at."""
        self._size = 0
        """How many bytes those have."""
        self._without_body = 0
        """How many bytes have come since the last of the body."""
        # Empty as soon as that has come.
        self._is_quiet: list[None] = [None]
        self.on_message_begin = self._is_quiet.clear
        self._parser = httptools.HttpResponseParser(self)
        self._repeated: RepeatedHead | None = None
        self._reply: HTTPReply | None = None
        self.reusable = True
        """Whether the connection can take another request after this response."""

    def expect(self, request: HTTPRequest, max_bytes: int) -> None:
        """Get ready for the response to ``request``, whose body may have that many bytes."""
        self._request = request
        self._max_bytes = max_bytes
        self._fed = 0
        self._reply = None

    def known(self, data: bytes) -> HTTPReply | None:
        """The response if it is all of ``data`` and begins as the last one did; nothing else of the parser is used."""
        return None if self._repeated is None else self._repeated.read(data)

    def remember(self, data: bytes, reply: HTTPReply) -> None:
        """Compare the next response with one that another parser has read from all of ``data``."""
        self._repeated = RepeatedHead.of(data, reply)

    def feed(self, data: bytes) -> HTTPReply | None:
        """Take bytes in; the response as soon as it is complete. Raises ServiceCommunicationException."""
        if self._fed:
            return self._parse(data)
        if self._repeated is not None and len(data) <= self._max_bytes:
            reply = self._repeated.read(data)
            if reply is not None:
                self._fed = len(data)
                self._reply = reply
                return reply
        self._forget()
        reply = self._parse(data)
        if reply is not None:
            self._repeated = RepeatedHead.of(data, reply)
        return reply

    def _parse(self, data: bytes) -> HTTPReply | None:
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
                raise error.__context__ from None  # of a signal's handler, KeyboardInterrupt perhaps
            if self._reply is None:
                raise broken_off(self._request) from error
        reply = self._reply
        if reply is None:
            self._check_part(len(data))
        elif self._fed > self._max_bytes or "content-encoding" in reply.headers:
            check_head(self._request, reply.headers, self._max_bytes)
            check_size(self._request, len(reply.content), self._max_bytes)
        if reply is not None and not self._is_quiet:
            self.reusable = False  # another, unrequested message has begun
        return reply

    def end(self) -> HTTPReply:
        """The connection has ended. Raises ServiceCommunicationException unless that completes the response."""
        self.reusable = False
        headers = self._headers
        if not self._fed or headers is None or "content-length" in headers or "transfer-encoding" in headers:
            raise broken_off(self._request)
        return HTTPReply(self._parser.get_status_code(), headers, b"".join(self._parts))

    def on_headers_complete(self) -> None:
        """The head of a response is there."""
        if self._reply is None:
            self._headers = {_name(name): value.decode("latin-1").strip() for name, value in self._raw.items()}

    def on_message_complete(self) -> None:
        """A response is there; what follows belongs to another."""
        status = self._parser.get_status_code()
        if status < 200:  # an interim response (RFC 9110, section 15.2)
            self._forget()
        elif self._reply is None:
            self._reply = HTTPReply(status, self._headers or {}, b"".join(self._parts))
            self.reusable = self.reusable and self._parser.should_keep_alive()
            self._is_quiet.append(None)

    def _check_part(self, size: int) -> None:
        """Refuse a response that is too large, before more of it comes. The last ``size`` bytes are new."""
        if self._headers is None:
            if self._fed > _MAX_HEAD:
                raise self._endless()
            return
        check_head(self._request, self._headers, self._max_bytes)
        if self._merged == len(self._parts):
            self._without_body += size
            if self._without_body > _MAX_HEAD:
                raise self._endless()
            return
        # Thousands of parts, of a byte each perhaps, take much more room than what they hold.
        part = b"".join(self._parts[self._merged :])
        self._parts[self._merged :] = [part]
        self._merged += 1
        self._size += len(part)
        self._without_body = 0
        check_size(self._request, self._size, self._max_bytes)

    def _endless(self) -> ServiceException:
        self.reusable = False
        return broken_off(self._request)

    def _forget(self) -> None:
        """Nothing of a final response is there, and no head to compare with."""
        self._repeated = None
        self._headers = None
        self._raw.clear()
        self._parts.clear()
        self._merged = self._size = self._without_body = 0
