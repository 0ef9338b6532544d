"""Heads of requests that begin as one before them, of the same connection: they are not parsed a second time.

A client that calls one method after the other says the same each time: where, as whom, in which format. What differs
comes last: the headers of the call and the length of its body. So a connection remembers the beginning of the last
request, and what the parser made of it.

That is safe since the same bytes mean the same to the parser, up to a line's end, and since what may follow comes in so
few forms that it means the same as well: known headers, each at most once, in one order and on a line of its own, and
a length that agrees with what is there. Everything else goes to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self

from starlette.types import Scope

from service_core.context import CallContext
from service_core.wire import CONTEXT_HEADERS, context_of
from service_server_fastapi.requests.fast_path import ArrivedRequest, Direct

__all__ = ["Repeated"]

# No header that tells how the message is framed, or what becomes of the connection, is among the first.
_VALUE: Final = r"[!-~](?:[ -~]*[!-~])?"
_SAME: Final = rf"(?:host|user-agent|content-type|accept|accept-encoding): {_VALUE}\r\n"
_HEAD: Final = re.compile(rf"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:{_SAME})*".encode())
_FOLLOWS: Final = re.compile(
    "".join(rf"(?:{name}: ({_VALUE})\r\n)?" for name in CONTEXT_HEADERS) + r"(?:content-length: ([0-9]{1,9})\r\n)?"
)
_NAMES: Final = (*(name.encode() for name in CONTEXT_HEADERS), b"content-length")
_PARSED: Final = (
    *("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "app"),
    *("method", "path", "raw_path", "query_string"),
)

Values = tuple[str | None, ...]


class Repeated:
    """The beginning of a request of which the parser has told what it means, and who has answered it."""

    __slots__ = ("_beginning", "_content_type", "_headers", "_length", "_scope", "_state", "direct")

    def __init__(self, beginning: bytes, scope: Scope, state: Mapping[str, Any], direct: Direct) -> None:
        self._beginning = beginning
        self._length = len(beginning)
        # Nothing that has been put there since, by whoever answers.
        self._scope = {key: scope[key] for key in _PARSED if key in scope}
        self._headers: list[tuple[bytes, bytes]] = scope["headers"][: beginning.count(b"\n") - 1]
        self._content_type = dict(self._headers).get(b"content-type", b"").decode("latin-1")
        self._state = state
        self.direct = direct
        """What answers all requests that begin so."""

    @classmethod
    def of(cls, data: bytes, scope: Scope, state: Mapping[str, Any], direct: Direct) -> Self | None:
        """What can be remembered of a request which is all of ``data``, and of which the parser made ``scope``.

        Each request has a copy of ``state``.
        """
        head = _HEAD.match(data)
        repeated = None if head is None else cls(head[0], scope, state, direct)
        return None if repeated is None or repeated.read(data) is None else repeated

    def read(self, data: bytes) -> RepeatedRequest | None:
        """The request if ``data`` is one that begins so and has arrived whole, else None."""
        if not data.startswith(self._beginning):
            return None
        end = data.find(b"\r\n\r\n", self._length - 2)
        rest = _FOLLOWS.fullmatch(data[self._length : end + 2].decode("latin-1"))
        if rest is None or end < 0:
            return None
        values, body = rest.groups(), data[end + 4 :]
        if len(body) != int(values[-1] or 0):
            return None
        return RepeatedRequest(self, values, self._content_type, context_of(*values[:-1]), body)

    def scope_of(self, values: Values) -> Scope:
        """The scope of a request whose own headers have these values."""
        own = [(name, value.encode("latin-1")) for name, value in zip(_NAMES, values, strict=True) if value]
        return {**self._scope, "headers": self._headers + own, "state": dict(self._state)}


class RepeatedRequest(ArrivedRequest):
    """One whose scope is made when somebody asks for it."""

    __slots__ = ("_made", "_repeated", "_values")

    def __init__(
        self, repeated: Repeated, values: Values, content_type: str, context: CallContext, body: bytes
    ) -> None:
        self.content_type = content_type
        self.context = context
        self.body = body
        self._repeated = repeated
        self._values = values
        self._made: Scope | None = None

    @property
    def scope(self) -> Scope:
        """The request in the terms of ASGI."""
        if self._made is None:
            self._made = self._repeated.scope_of(self._values)
        return self._made
