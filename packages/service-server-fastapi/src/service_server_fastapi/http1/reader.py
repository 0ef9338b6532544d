"""Requests out of bytes: the rules of HTTP/1.1 about framing and size in one place, without any input or output.

httptools parses; what it accepts is checked here against these rules:

    Host                exactly one; HTTP/1.0 may lack it (RFC 9112, section 3.2)
    Transfer-Encoding   only ``chunked``, and not in HTTP/1.0 (section 6.1)
    Upgrade             only to WebSocket; another one is ignored and the body is read (RFC 9110, section 7.8)
    trailers            are not headers, and are dropped
    sizes               a head, and what follows a chunk beside data, of at most ``max_header_bytes``
    counts              at most 256 headers, and 100 requests that wait for their turn
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import httptools

from service_server_fastapi.access.rejections import named
from service_server_fastapi.http1.request import IncomingRequest

_MOST_HEADERS: Final = 256
_MOST_WAITING: Final = 100
_TOO_LARGE: Final = (431, f"the head of the request is larger than {named('max_header_bytes')} allows")


class RejectedBytes(Exception):
    """The bytes are not a request that is accepted; the status and the reason of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestReader:
    """Reads the requests of one connection; each is added to :attr:`waiting` when its head is complete."""

    def __init__(self, max_header_bytes: int, *, websockets: bool) -> None:
        """``websockets`` says whether a connection can be handed over to WebSocket."""
        self.waiting: deque[IncomingRequest] = deque()
        """Requests whose turn has not come, the oldest first; of the last one the body may still be incomplete."""
        self.is_in_head = False
        """Whether a part of a head has been read."""
        self.after_upgrade: bytes | None = None
        """What followed the head of a request to upgrade; None as long as there is none."""
        self._max_header_bytes = max_header_bytes
        self._websockets = websockets
        self._rejection: RejectedBytes | None = None
        self._is_replaying = False
        self._request = IncomingRequest()
        self._size = 0
        """Bytes of complete lines of a head, or beside the data of a body."""
        self._tail = 0
        """Bytes behind them, which the parser has not reported yet."""
        self._events = 0
        self._begin_parser()

    def feed(self, data: bytes) -> None:
        """Read bytes. Raises RejectedBytes, after which nothing more can be read."""
        if self.after_upgrade is not None:
            self.after_upgrade += data
            return
        events = self._events
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            raise self._rejection or RejectedBytes(400, "this is not HTTP/1.1") from None
        if events == self._events:
            self._tail += len(data)
        elif self.is_in_head:  # of the last line a part may be here; a part of the target has been counted
            newline = data.rfind(b"\n")
            self._tail = len(data) - newline - 1 if newline >= 0 or self._request.headers else 0
        else:
            return
        if self._size + self._tail > self._max_header_bytes:
            raise RejectedBytes(*_TOO_LARGE)

    # what the parser calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if not self._is_replaying:
            self._progress()
            self.is_in_head = True
            self._request = IncomingRequest()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        if not self._is_replaying:
            self._request.target += url
            self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after a body it is a trailer."""
        self._count(len(name) + len(value) + 4)
        if self.is_in_head and not self._is_replaying:
            self._request.add_header(name.lower(), value)

    def on_headers_complete(self) -> None:
        """The end of a head."""
        if self._is_replaying:
            self._is_replaying = False
            return
        request, parser = self._request, self._parser
        self.is_in_head = False
        self._progress()
        request.method = parser.get_method().decode("ascii")
        request.version = parser.get_http_version()
        request.keep_alive = request.version == "1.1" and parser.should_keep_alive()
        self._check(request)
        request.is_upgrade = parser.should_upgrade()
        request.is_websocket = request.is_upgrade and self._websockets and request.wants_websocket
        if request.is_websocket and request.has_body:
            self._reject(400, "a request for a WebSocket has no body")
        self.waiting.append(request)

    def on_body(self, data: bytes) -> None:
        """A part of a body."""
        self._progress()
        self._request.body.feed(data)

    def on_message_complete(self) -> None:
        """The end of a request; not of one that offers an upgrade, whose body the parser leaves aside."""
        request = self._request
        if not (request.is_upgrade and request.has_body):
            self._progress()
            request.body.end()

    # rules

    def _progress(self) -> None:
        self._events += 1
        self._size = self._tail = 0

    def _count(self, size: int) -> None:
        self._events += 1
        self._size += size
        self._tail = 0
        if self._size > self._max_header_bytes:
            self._reject(*_TOO_LARGE)

    def _check(self, request: IncomingRequest) -> None:
        if request.version not in ("1.0", "1.1"):
            self._reject(505, "only HTTP/1.0 and HTTP/1.1 are spoken")
        if request.method == "CONNECT":
            self._reject(400, "this is not a proxy")
        if request.hosts > 1 or (not request.hosts and request.version == "1.1"):
            self._reject(400, "a request needs exactly one Host header")
        encoding = request.fields.get(b"transfer-encoding")
        if encoding is not None and (encoding.lower() != b"chunked" or request.version == "1.0"):
            self._reject(400, "the only transfer encoding is 'chunked', in HTTP/1.1")
        if len(request.headers) > _MOST_HEADERS:
            self._reject(431, f"a request may have {_MOST_HEADERS} headers")
        if len(self.waiting) >= _MOST_WAITING:
            self._reject(400, f"at most {_MOST_WAITING} requests may wait for their turn")

    def _reject(self, status: int, reason: str) -> None:
        self._rejection = RejectedBytes(status, reason)
        raise self._rejection

    # upgrades

    def _begin_parser(self) -> None:
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # it is ignored instead of an error

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read on after a head that offers an upgrade, which stops the parser, unless the upgrade is made."""
        request = self._request
        if request.is_websocket:
            self.after_upgrade = rest
            return
        self._begin_parser()
        request.is_upgrade = False
        if request.has_body:  # a parser of its own reads the body, for which it needs a head
            self._is_replaying = True
            framing = next(name for name in (b"transfer-encoding", b"content-length") if name in request.fields)
            head = b"POST / HTTP/1.1\r\nhost: a\r\n%b: %b\r\n\r\n" % (framing, request.fields[framing])
            self._parser.feed_data(head)
        if rest:
            self.feed(rest)
