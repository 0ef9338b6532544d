"""HTTP/1.1 messages without I/O: a request as bytes, and the state of a response as its bytes come in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import httptools

from service_channels_http._errors import broken_off
from service_channels_http._limits import check_head, check_size
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import LocalServiceException

__all__ = ["Headers", "ResponseParser", "write_head"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_MAX_HEAD: Final = 64 * 1024
"""How many bytes status line and headers may have."""
_MOST_NAMES: Final = 1000
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def write_head(request: HTTPRequest, target: str, authority: str) -> bytes:
    """The request line and headers. Raises LocalServiceException for a header that would not stay one line."""
    headers = request.headers
    if not _names.issuperset(headers):
        _check_names(headers)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise LocalServiceException(
            f"{request.where}: the value of a header holds a line break or a null character; remove it"
        )
    if request.content or request.method in _WITH_BODY:
        lines += f"content-length: {len(request.content)}\r\n"
    head = f"{request.method} {target} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: service\r\n{lines}\r\n"
    return head.encode("latin-1", "replace")


_names: Final[set[str]] = set()
"""Names that have been found to be some, so that they are not looked at for every request."""


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise LocalServiceException(f"{name!r} is not a name for a header; use letters, digits and '-'")
    if len(_names) < _MOST_NAMES:
        _names.update(names)


class Headers(Mapping[str, str]):
    """Headers as they came, found by lower-case names; decoded when asked for. Of several with one name the last."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = {name.lower(): value for name, value in raw.items()}

    def __getitem__(self, name: str) -> str:
        return self._raw[name.encode()].decode("latin-1").strip()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode() in self._raw

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class ResponseParser:
    """Reads the responses of one connection, one after the other.

    What begins with ``on_`` is called by httptools. Headers and body go straight into a dict and a list, without a
    line of Python for each.
    """

    __slots__ = (
        "_content",
        "_fed",
        "_head",
        "_max_bytes",
        "_parser",
        "_parts",
        "_raw",
        "_request",
        "_status",
        "complete",
        "on_body",
        "on_header",
        "reusable",
    )

    def __init__(self) -> None:
        self._raw: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self.on_header = self._raw.__setitem__
        self.on_body = self._parts.append
        self._parser = httptools.HttpResponseParser(self)
        self.complete = True
        """Whether the response is there; True before the first request."""
        self.reusable = True
        """Whether the connection can take another request after this response."""

    def expect(self, request: HTTPRequest, max_bytes: int) -> None:
        """Get ready for the response to ``request``, whose body may have that many bytes."""
        self._request = request
        self._max_bytes = max_bytes
        self._raw.clear()
        self._parts.clear()
        self._head: Headers | None = None
        self._status = self._fed = 0
        self.complete = False

    def feed(self, data: bytes) -> bool:
        """Take bytes in; whether the response is complete. Raises ServiceCommunicationException."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                raise broken_off(self._request) from error
        if self._head is not None:
            self._check(self._head)
        elif self._fed > _MAX_HEAD:
            raise broken_off(self._request)
        return self.complete

    def end(self) -> None:
        """The connection has ended. Raises ServiceCommunicationException unless that completes the response."""
        self.reusable = False
        head = self._head
        if head is None or "content-length" in head or "transfer-encoding" in head:
            raise broken_off(self._request)
        self._complete()

    def reply(self) -> HTTPReply:
        """The complete response."""
        return HTTPReply(status=self._status, headers=self._head or {}, content=self._content)

    def _check(self, head: Headers) -> None:
        if self._fed > self._max_bytes:  # head and framing included, so it is time to look closely
            check_size(self._request, sum(map(len, self._parts)), self._max_bytes)
        if not self.complete or "content-encoding" in head:
            check_head(self._request, head, self._max_bytes)

    # called by httptools

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False  # nobody has asked for this one

    def on_headers_complete(self) -> None:
        if not self.complete:
            self._status = self._parser.get_status_code()
            self._head = Headers(self._raw)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if self._status < 200:  # an interim response (RFC 9110, section 15.2)
            self._raw.clear()
            self._head = None
            return
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._complete()

    def _complete(self) -> None:
        # Now, since parts of another message may follow, which nobody has asked for.
        parts = self._parts
        self._content = parts[0] if len(parts) == 1 else b"".join(parts)
        self.complete = True
