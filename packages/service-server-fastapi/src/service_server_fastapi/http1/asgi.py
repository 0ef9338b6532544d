"""One request over ASGI: what an application receives and sends, as HTTP/1.1."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Message, Scope

from service_core.dispatch import Response
from service_server_fastapi.http1.outgoing import Outgoing
from service_server_fastapi.http1.request import IncomingRequest
from service_server_fastapi.http1.response import ResponseWriter
from service_server_fastapi.http1.timeouts import PARTS
from service_server_fastapi.requests.sending import send_answer

logger: Final = logging.getLogger("service.server")


class ExchangeConnection(Protocol):
    """What an exchange needs of its connection."""

    def want_body(self, *, waits: bool) -> None:
        """The application reads the body; with ``waits`` it waits for more, which the client has to send in time."""
        ...

    def complete(self) -> None:
        """The response has been written as a whole."""
        ...

    def fail(self) -> None:
        """The response cannot be completed: the connection has to be closed."""
        ...


class AsgiExchange:
    """Runs an application for one request. Used by one task."""

    def __init__(
        self, connection: ExchangeConnection, out: Outgoing, request: IncomingRequest, scope: Scope, *, keep_alive: bool
    ) -> None:
        self._connection = connection
        self._out = out
        self._is_read = False
        self._request = request
        self._scope = scope
        scope.setdefault("extensions", {})  # shared by the copies that layers of the application make
        self._must_say_continue = request.expects_continue and not request.body.is_complete and not request.body.size
        self.response = ResponseWriter(out, method=request.method, version=request.version, keep_alive=keep_alive)

    @property
    def can_be_reused(self) -> bool:
        """Whether the next request can follow on the connection; not if the client may still hold its body back."""
        return self.response.keep_alive and not self._must_say_continue

    @property
    def is_stream(self) -> bool:
        """Whether the request or its response is a stream, whose parts may be far apart."""
        return PARTS in self._scope.get("extensions", ())

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer. What it raises is logged and answered with 500; only cancellation is raised."""
        try:
            await app(self._scope, self._receive, self._send)
        except asyncio.CancelledError:
            if not self.response.is_complete:
                self._connection.fail()
            raise
        except BaseException:
            logger.exception("the application raised while it answered %s %r", self._request.method, self._path)
            await self._give_up()
        else:
            if not self.response.is_complete and not self._out.is_lost:
                logger.error("the application returned without a whole answer to %r", self._path)
                await self._give_up()

    @property
    def _path(self) -> str:
        return str(self._scope["path"])[:200]

    async def _give_up(self) -> None:
        if self.response.is_complete:
            return
        if self.response.has_begun or self._out.is_lost:
            self._connection.fail()
            return
        headers = (("connection", "close"),)
        await send_answer(
            self._send, Response(status=500, content_type="text/plain", body=b"Internal Server Error", headers=headers)
        )

    async def _receive(self) -> Message:
        body = self._request.body
        if self._must_say_continue and not self._out.is_lost:
            self._must_say_continue = False
            self._out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self._is_read:
            self._connection.want_body(waits=not body.size and not body.is_complete)
            await body.wait()
        else:  # there is nothing to receive but the end of the connection
            while not (body.is_lost or self.response.is_complete):
                await body.wait_for_change()
        if body.is_lost or self.response.is_complete:
            return {"type": "http.disconnect"}
        data = body.take()
        self._is_read = body.is_complete
        return {"type": "http.request", "body": data, "more_body": not self._is_read}

    async def _send(self, message: Message) -> None:
        response, kind = self.response, message["type"]
        if self._out.is_lost:
            return
        if not response.has_begun:
            _expect(kind, "http.response.start")
            response.start(message["status"], message.get("headers", ()))
            if self.is_stream:
                self._out.begin_stream()
            asyncio.get_running_loop().call_soon(response.flush)
            return
        if response.is_complete:
            raise RuntimeError(f"{kind!r} was sent after the response had been completed")
        _expect(kind, "http.response.body")
        if message.get("more_body", False):
            await response.write(message.get("body", b""))
        else:
            response.end(message.get("body", b""))
            self._out.end_stream()
            self._connection.complete()


def _expect(kind: Any, expected: str) -> None:
    if kind != expected:
        raise RuntimeError(f"expected the message {expected!r} of ASGI, got {kind!r}")
