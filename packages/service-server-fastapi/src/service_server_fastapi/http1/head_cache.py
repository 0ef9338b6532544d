"""Heads that repeat: two requests of one client differ in a few lines, so the others are not parsed a second time.

A connection remembers the head of a request and what the parser made of it. Only the lines in ``_VALUES`` may have
another value in the next request: its length, its deadline, its id. Equal bytes mean the same to the parser, and a
value of visible characters neither ends its line nor begins another, so the rest of the head means the same, too. The
lengths of head and body are checked here as they are in the reader. Everything else goes to the parser. This holds for
the heads of every client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import copy
from functools import lru_cache
from operator import itemgetter
from typing import Final

from service_core.wire import (
    CONTEXT_HEADERS,
    CORRELATION_ID,
    DEADLINE_MS,
    USUAL_FORMS,
    context_of,
    usual_context,
)
from service_server_fastapi.http1.request import CompleteRequest, IncomingRequest, RequestBody
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.peer import ConnectionInfo
from service_server_fastapi.settings import ServerSettings

_LENGTH: Final = b"content-length"
_CONTEXT: Final = tuple(name.encode() for name in CONTEXT_HEADERS)
_USUAL: Final = {DEADLINE_MS.encode(), CORRELATION_ID.encode()}
_VALUES: Final = {
    **dict.fromkeys(_CONTEXT, rb"[!-~](?:[ -~]*[!-~])?"),
    **{name.encode(): form.encode() for name, form in USUAL_FORMS.items()},
    b"traceparent": rb"[!-~]+",
    _LENGTH: rb"0|[1-9][0-9]{0,8}",
}
"""The lines whose values may differ, and the form of these."""
_MOST_REMEMBERED: Final = 16
"""Heads that a connection remembers, one after the other: a client whose heads all differ is parsed from then on."""


class HeadCache:
    """The head of the last request of one connection that was answered directly."""

    def __init__(self, endpoint: ConnectionInfo, settings: ServerSettings) -> None:
        """``endpoint`` is for the scopes of requests, ``settings`` for the limits of their sizes."""
        self._endpoint = endpoint
        self._most_head = settings.max_header_bytes
        self._most_body = settings.max_body_bytes
        self._known: _KnownHead | None = None
        self._left = _MOST_REMEMBERED

    def read(self, data: bytes) -> RepeatedRequest | None:
        """The request if ``data`` is exactly one, with the head that is remembered, and within the limits."""
        known = self._known
        if known is None or not data.startswith(known.beginning):
            return None
        found = known.match(data, known.start)
        if found is None:
            return None
        values, end = found.groups(), found.end()
        size = len(data) - end
        if size != (0 if known.length is None else int(values[known.length])):
            return None
        if size > self._most_body or end > self._most_head:
            return None
        return RepeatedRequest(known, values, data[end:], self._endpoint)

    def remember(self, data: bytes, request: IncomingRequest, fast_path: FastPath) -> None:
        """Compare the next requests with ``request``, which the parser has made of all of ``data``."""
        if self._left:
            self._left -= 1
            self._known = _known_head(data, request, fast_path)


class RepeatedRequest(CompleteRequest):
    """A request whose head is known."""

    __slots__ = ("_known", "_values", "fast_path")

    def __init__(self, known: _KnownHead, values: tuple[bytes, ...], body: bytes, endpoint: ConnectionInfo) -> None:
        self.content_type = known.content_type
        if known.usual is not None:
            self.context = usual_context(*known.usual(values))
        else:
            texts: list[str | None] = [*b"\n".join(values).decode("latin-1").split("\n")]  # no value has a line feed
            self.context = context_of(*known.context(texts + known.texts))
        self.body = body
        self.request = known.request
        self.fast_path: Final = known.fast_path
        """What answers it."""
        self._endpoint = endpoint
        self._scope = None
        self._known = known
        self._values = values

    def head(self) -> IncomingRequest:
        """The request as the parser would have made it, without its body."""
        new = dict(zip(self._known.names, self._values, strict=True))
        request = copy(self.request)
        request.headers = [(name, new.get(name, value)) for name, value in request.headers]
        request.fields = {**request.fields, **new}
        request.body = RequestBody()
        request.body.end()
        return request


class _KnownHead:
    """A head, and what the parser has made of it. Made once for many requests."""

    def __init__(
        self, head: bytes, lines: list[bytes], varying: slice, request: IncomingRequest, fast_path: FastPath
    ) -> None:
        raw = [line.partition(b":")[0] for line in lines[varying]]
        self.names = [name.lower() for name in raw]
        """The names of the lines that may differ."""
        self.start = sum(len(line) + 2 for line in lines[: varying.start])
        """Where they begin."""
        self.beginning = head[: self.start]
        self.match = _match(tuple(raw), b"".join(line + b"\r\n" for line in lines[varying.stop :]) + b"\r\n")
        self.length = self.names.index(_LENGTH) if _LENGTH in self.names else None
        """Which of them is the length of the body."""
        texts = [request.fields.get(name) for name in _CONTEXT]
        self.texts = [None if text is None else text.decode("latin-1") for text in texts]
        """The values of the headers of the context."""
        count = len(self.names)
        places = [self.names.index(name) if name in self.names else count + at for at, name in enumerate(_CONTEXT)]
        self.context: Callable[[list[str | None]], Iterable[str | None]] = itemgetter(*places)
        """Picks the values of another request's headers of the context, from those of the lines that may differ,
        followed by :attr:`texts`."""
        self.usual: Callable[[tuple[bytes, ...]], tuple[bytes, bytes]] | None = None
        """Picks them of a head that has the two usual ones, in lines that may differ, and no other; else None."""
        if request.fields.keys() & set(_CONTEXT) == _USUAL <= set(self.names):
            self.usual = itemgetter(*(self.names.index(name.encode()) for name in USUAL_FORMS))
        self.content_type = request.fields.get(b"content-type", b"").decode("latin-1")
        self.request = request
        self.fast_path = fast_path


def _known_head(data: bytes, request: IncomingRequest, fast_path: FastPath) -> _KnownHead | None:
    """The head of a request, None if its lines are not as the parser has understood them, or must not be repeated."""
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in lines]
    if not blank or head.count(b"\n") != len(lines) - 1 or names[1:] != [name for name, _ in request.headers]:
        return None
    if not request.keep_alive or request.is_websocket or request.expects_continue or b"transfer-encoding" in names:
        return None
    varying = _varying(names)
    known = _KnownHead(head + blank, lines, varying, request, fast_path)
    found = known.match(data, known.start)
    if found is None or len(set(names)) != len(names):
        return None
    is_same = all(request.fields[name] == value for name, value in zip(known.names, found.groups(), strict=True))
    size = 0 if known.length is None else int(found.groups()[known.length])
    return known if is_same and size == len(body) and (known.length is not None or _LENGTH not in names) else None


def _varying(names: list[bytes]) -> slice:
    """The first lines in a row that may differ; none of them at the end if there are no such lines."""
    start = next((at for at, name in enumerate(names) if name in _VALUES), len(names))
    stop = next((at for at in range(start, len(names)) if names[at] not in _VALUES), len(names))
    return slice(start, stop)


@lru_cache(64)  # clients write few names, in one case or the other
def _match(names: tuple[bytes, ...], end: bytes) -> Callable[[bytes, int], re.Match[bytes] | None]:
    """What finds the values of lines with these names at a place, if ``end`` comes after them."""
    lines = [re.escape(name) + rb": (" + _VALUES[name.lower()] + rb")\r\n" for name in names]
    return re.compile(b"".join((*lines, re.escape(end)))).match
