"""One request of a connection: its head, its body as it arrives, and the scope of ASGI when one is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote

import httptools
from starlette.types import Scope

from service_core import CallContext
from service_core.wire import CONTEXT_HEADERS, context_of
from service_server_fastapi.requests.fast_path import ReceivedRequest
from service_server_fastapi.requests.peer import PEER, ConnectionInfo

_CONTEXT: Final = tuple(name.encode() for name in CONTEXT_HEADERS)
_READ: Final = frozenset(
    (
        *_CONTEXT,
        *(b"host", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"),
        *(b"connection", b"upgrade", b"expect", b"x-forwarded-for", b"x-forwarded-proto"),
    )
)
"""Headers that the server itself reads."""


class LostConnection(Exception):
    """The connection was lost before a body was complete."""


class RequestBody:
    """A body that is written by the connection and read by one reader: whole, piece by piece or as an iterator."""

    __slots__ = ("_is_wanted", "_parts", "_waiter", "is_complete", "is_lost", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._is_wanted = True
        self.size = 0
        """Bytes that have arrived and have not been read."""
        self.is_complete = False
        """Whether its last byte has arrived."""
        self.is_lost = False
        """Whether the rest will never arrive."""

    def feed(self, data: bytes) -> None:
        """Add a part."""
        if self._is_wanted:
            self._parts.append(data)
            self.size += len(data)
            self.wake()

    def end(self) -> None:
        """There is no more."""
        self.is_complete = True
        self.wake()

    def lose(self) -> None:
        """The rest will not arrive."""
        self.is_lost = True
        self.wake()

    def discard(self) -> None:
        """Drop what is here and what will arrive."""
        self._is_wanted = False
        self.take()

    def take(self) -> bytes:
        """All that has arrived and has not been read."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts, self.size = [], 0
        return data

    async def wait(self) -> None:
        """Return when there is something to read, the end has come, or the connection is lost."""
        if not (self._parts or self.is_complete or self.is_lost):
            await self.wait_for_change()

    async def wait_for_change(self) -> None:
        """Return when something more has happened: a part, the end, or the loss of the connection."""
        if self._waiter is None:
            self._waiter = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._waiter)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts as they arrive. Raises LostConnection if the last one does not."""
        while True:
            await self.wait()
            if data := self.take():
                yield data
            elif self.is_complete:
                return
            elif self.is_lost:
                raise LostConnection("the connection was lost before the body was complete")

    def wake(self) -> None:
        """Let the reader look again: something about the request has changed."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class IncomingRequest:
    """A request whose head has been read. Names of headers are in lower case."""

    __slots__ = (
        *("body", "fields", "headers", "hosts", "is_upgrade", "is_websocket", "keep_alive", "method", "target"),
        "version",
    )

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.fields: dict[bytes, bytes] = {}
        """The headers that the server itself reads; of several with one name the last."""
        self.hosts = 0
        """How many Host headers there are."""
        self.keep_alive = True
        self.is_upgrade = False
        """Whether it offers another protocol, and the connection has not decided about that yet."""
        self.is_websocket = False
        """Whether the connection is to be handed over to WebSocket."""
        self.body = RequestBody()

    def add_header(self, name: bytes, value: bytes) -> None:
        """Add a header of the head."""
        self.headers.append((name, value))
        if name in _READ:
            self.fields[name] = value
            if name == b"host":
                self.hosts += 1

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body."""
        return b"transfer-encoding" in self.fields or self.fields.get(b"content-length", b"0").strip(b"0") != b""

    @property
    def wants_websocket(self) -> bool:
        """Whether an upgrade that is offered is the one to WebSocket."""
        return self.fields.get(b"upgrade", b"").lower() == b"websocket"

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        return self.fields.get(b"expect", b"").lower() == b"100-continue" and self.version == "1.1"

    @property
    def is_plain(self) -> bool:
        """Whether the request needs nothing that only the way over ASGI does: proxies' headers, decoded bodies."""
        fields = self.fields
        return not (b"x-forwarded-for" in fields or b"x-forwarded-proto" in fields or b"content-encoding" in fields)

    def scope(self, endpoint: ConnectionInfo) -> Scope:
        """The request in the terms of ASGI. Raises ValueError if its target is none."""
        try:
            url = httptools.parse_url(self.target)
            path = url.path.decode("ascii")
        except (httptools.HttpParserError, AttributeError) as error:
            raise ValueError("the target of the request is not a path") from error
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.version,
            "server": endpoint.server,
            "client": endpoint.client,
            "scheme": endpoint.scheme,
            "method": self.method,
            "root_path": endpoint.root_path,
            "path": endpoint.root_path + (unquote(path) if "%" in path else path),
            "raw_path": endpoint.root_path.encode("ascii") + url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": dict(endpoint.state),
        }
        if endpoint.peer is not None:
            scope["extensions"] = {PEER: endpoint.peer}
        return scope


class CompleteRequest(ReceivedRequest):
    """A request that is here as a whole; its scope is made when it is needed."""

    __slots__ = ("_endpoint", "_scope", "request")

    def __init__(self, request: IncomingRequest, endpoint: ConnectionInfo, scope: Scope | None = None) -> None:
        """``scope`` is the one of the request if it has been made already."""
        fields = request.fields
        content_type = fields.get(b"content-type")
        self.content_type = "" if content_type is None else content_type.decode("latin-1")
        self.context: CallContext = context_of(
            *[None if (value := fields.get(name)) is None else value.decode("latin-1") for name in _CONTEXT]
        )
        self.body = request.body.take()
        self.request = request
        self._endpoint = endpoint
        self._scope = scope

    @property
    def scope(self) -> Scope:
        """The request in the terms of ASGI."""
        if self._scope is None:
            self._scope = self.head().scope(self._endpoint)
            self._scope["app"] = self._endpoint.app
        return self._scope

    @property
    def client(self) -> tuple[str, int] | None:
        """Host and port of the other end of the connection, None for a Unix domain socket."""
        return self._endpoint.client

    def head(self) -> IncomingRequest:
        """The request with all of its headers."""
        return self.request

    def restored(self) -> IncomingRequest:
        """The request with its body unread."""
        request = self.head()
        request.body.feed(self.body)
        return request
