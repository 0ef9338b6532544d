"""HTTP/1.1 messages without I/O: a request as bytes, and the state of a response as its bytes come in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import httptools

from service_channels_http._errors import broken_off
from service_channels_http._limits import check_head, check_size
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import LocalServiceException, ServiceException

__all__ = ["ResponseParser", "write_head"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_MAX_HEAD: Final = 64 * 1024
"""How many bytes status line and headers may have."""
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def write_head(request: HTTPRequest, target: str, authority: str) -> bytes:
    """The request line and headers. Raises LocalServiceException for a header that would not stay one line."""
    fields = [_name(name) + value for name, value in request.headers.items()]
    if request.content or request.method in _WITH_BODY:
        fields.append(f"content-length: {len(request.content)}")
    lines = "\r\n".join(fields)
    if lines.count("\n") != len(fields) - 1 or lines.count("\r") != len(fields) - 1 or "\0" in lines:
        raise LocalServiceException(
            f"{request.where}: the value of a header holds a line break or a null character; remove it"
        )
    head = f"{request.method} {target} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: service\r\n{lines}\r\n\r\n"
    return head.encode("latin-1", "replace")


@lru_cache(maxsize=256)
def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise LocalServiceException(f"{name!r} is not a name for a header; use letters, digits and '-'")
    return f"{name}: "


class ResponseParser:
    """Reads the responses of one connection, one after the other.

    The methods that begin with ``on_`` are called by httptools.
    """

    __slots__ = (
        "_body",
        "_failure",
        "_head_done",
        "_head_size",
        "_headers",
        "_max_bytes",
        "_parser",
        "_received",
        "_request",
        "_status",
        "_until_end",
        "complete",
        "reusable",
        "started",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.complete = True
        """Whether the response is there; True before the first request."""
        self.started = False
        """Whether a byte of the response is there."""
        self.reusable = True
        """Whether the connection can take another request after this response."""

    def expect(self, request: HTTPRequest, max_bytes: int) -> None:
        """Get ready for the response to ``request``, whose body may have that many bytes."""
        self._request = request
        self._max_bytes = max_bytes
        self._failure: ServiceException | None = None
        self.complete = self.started = False
        self._reset()

    def feed(self, data: bytes) -> bool:
        """Take bytes in; whether the response is complete. Raises ServiceCommunicationException."""
        self.started = True
        if not self._head_done:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                raise self._failure or broken_off(self._request) from error
        if self._failure is not None:
            raise self._failure
        if not self._head_done and self._head_size > _MAX_HEAD:
            raise broken_off(self._request)
        return self.complete

    def end(self) -> None:
        """The connection has ended. Raises ServiceCommunicationException unless that completes the response."""
        self.reusable = False
        if not (self._head_done and self._until_end):
            raise broken_off(self._request)
        self.complete = True

    def reply(self) -> HTTPReply:
        """The complete response."""
        body = self._body
        content = body[0] if len(body) == 1 else b"".join(body)
        return HTTPReply(status=self._status, headers=self._headers, content=content)

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._received = self._head_size = 0
        self._status = 0
        self._head_done = False
        self._until_end = False

    # called by httptools

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False  # nobody has asked for this one

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.complete:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        self._head_done = True
        self._status = self._parser.get_status_code()
        headers = self._headers
        self._until_end = "content-length" not in headers and "transfer-encoding" not in headers
        try:
            check_head(self._request, headers, self._max_bytes)
        except ServiceException as refused:
            self._failure = refused

    def on_body(self, part: bytes) -> None:
        if self.complete:
            return
        self._received += len(part)
        if self._received > self._max_bytes and self._failure is None:
            try:
                check_size(self._request, self._received, self._max_bytes)
            except ServiceException as refused:
                self._failure = refused
        if self._failure is None:
            self._body.append(part)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if self._status < 200:  # an interim response (RFC 9110, section 15.2)
            self._reset()
            return
        self.complete = True
        self.reusable = self.reusable and self._parser.should_keep_alive()
