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

from service_core.wire import CONTEXT_HEADERS

__all__ = ["Repeated"]

# No header that tells how the message is framed, or what becomes of the connection, is among the first.
_VALUE: Final = rb"[!-~](?:[ -~]*[!-~])?"
_SAME: Final = rb"(?:host|user-agent|content-type|accept|accept-encoding): " + _VALUE + rb"\r\n"
_OWN: Final = tuple(name.encode() for name in CONTEXT_HEADERS)
_NAMES: Final = (*_OWN, b"content-length")
_REST: Final = (
    b"".join(rb"(?:%b: (%b)\r\n)?" % (name, _VALUE) for name in _OWN) + rb"(?:content-length: ([0-9]{1,9})\r\n)?\r\n"
)
_HEAD: Final = re.compile(rb"(?P<same>[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:" + _SAME + rb")*)(?=" + _REST + rb")")
_FOLLOWS: Final = re.compile(_REST)
_PARSED: Final = (
    *("type", "asgi", "http_version", "server", "client", "scheme", "root_path"),
    *("method", "path", "raw_path", "query_string"),
)


class Repeated:
    """The beginning of a request of which the parser has told what it means."""

    __slots__ = ("_beginning", "_headers", "_scope", "_state")

    def __init__(self, beginning: bytes, scope: Scope, state: Mapping[str, Any]) -> None:
        self._beginning = beginning
        # Nothing that has been put there since, by whoever answers.
        self._scope = {key: scope[key] for key in _PARSED}
        self._headers: list[tuple[bytes, bytes]] = scope["headers"][: beginning.count(b"\n") - 1]
        self._state = state

    @classmethod
    def of(cls, data: bytes, scope: Scope, state: Mapping[str, Any]) -> Self | None:
        """What can be remembered of a request which is all of ``data``, and of which the parser made ``scope``.

        Each request has a copy of ``state``.
        """
        head = _HEAD.match(data)
        repeated = None if head is None else cls(head["same"], scope, state)
        return None if repeated is None or repeated.read(data) is None else repeated

    def read(self, data: bytes) -> tuple[Scope, bytes] | None:
        """The scope and the body if ``data`` is a request that begins so and has arrived whole, else None."""
        if not data.startswith(self._beginning):
            return None
        rest = _FOLLOWS.match(data, len(self._beginning))
        if rest is None:
            return None
        values, body = rest.groups(), data[rest.end() :]
        if len(body) != int(values[-1] or 0):
            return None
        scope: dict[str, Any] = self._scope.copy()
        scope["headers"] = self._headers + [header for header in zip(_NAMES, values, strict=True) if header[1]]
        scope["state"] = dict(self._state)
        return scope, body
