"""All requests of the server in flight, over every route."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_core import CallContext, ErrorCode, call_context
from service_core.dispatch import Response, envelope, problem, refusal
from service_core.wire import context_from_headers
from service_server_fastapi.access.allowed_hosts import AllowedHosts
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.access.rejections import UNREAD, named
from service_server_fastapi.paths import is_dispatch
from service_server_fastapi.requests.admission import headers_of
from service_server_fastapi.requests.fast_path import ReceivedRequest
from service_server_fastapi.requests.request_context import RequestContext
from service_server_fastapi.requests.sending import send_answer

logger: Final = logging.getLogger("service.server")

STOP_MESSAGE: Final = "the server stops"
"""The message with which a task is cancelled whose answer is a stream that has begun."""


class InFlight:
    """Knows the requests in flight and ends them at their deadline. Used on one event loop."""

    def __init__(self, is_stopping: Callable[[], bool], hosts: AllowedHosts, log: RejectionLog) -> None:
        self.log = log
        self.is_stopping = is_stopping
        self.hosts = hosts
        """Which names requests may call the server."""
        self.tasks: set[asyncio.Task[Any]] = set()
        """What is being answered; a task that answers a request by an allowed name directly adds and removes itself."""
        self.is_over = False
        """Whether the requests in flight have been cancelled."""
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Note the running event loop as the one of the requests."""
        self._loop = asyncio.get_running_loop()

    def end_within(self, seconds: float) -> None:
        """Cancel, that many seconds from now, what is in flight then. Called by any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._end)

    async def watch(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an application answer a request, which is known meanwhile; close connections while the server stops."""
        if not self.hosts.allow(scope):
            return await send_answer(send, self._misdirected(scope))
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        sending = _ClosingSend(send, self.is_stopping)
        token = RequestContext.enter(scope)
        self.tasks.add(task)
        try:
            # An ASGI server may begin a request in the context of the one before it.
            with call_context(CallContext()):
                await app(scope, receive, sending)
        except asyncio.CancelledError:
            if not self.is_over or sending.has_begun:
                raise
            task.uncancel()
            await send_answer(sending, _cut_off(scope, _context_of(scope)))
        finally:
            self.tasks.discard(task)
            RequestContext.leave(token)

    def cut_off(self, request: ReceivedRequest, task: asyncio.Task[Any]) -> Response | None:
        """The answer to a request that was cancelled because the server stops; None if that was not the reason."""
        if not self.is_over:
            return None
        task.uncancel()
        return _cut_off(request.scope, request.context)

    def _misdirected(self, scope: Scope) -> Response:
        """The answer to a request for another server."""
        reason = f"the Host header has no name that {named('allowed_hosts')} lists"
        error = refusal(ErrorCode.PERMISSION_DENIED, reason, context=_context_of(scope))
        answer = (envelope if is_dispatch(scope) else problem)(error, status=421, headers=UNREAD)
        self.log.note(answer)
        return answer

    def _end(self) -> None:
        self.is_over = True
        if self.tasks:
            logger.error("%d requests did not finish in time before the end and are cancelled", len(self.tasks))
        for task in self.tasks:
            if not task.cancelling():  # one that ends is not interrupted
                task.cancel(STOP_MESSAGE)


class InFlightMiddleware:
    """The outermost middleware: lets traffic be watched."""

    def __init__(self, app: ASGIApp, in_flight: InFlight) -> None:
        self._app = app
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http":
            await self._in_flight.watch(self._app, scope, receive, send)
        elif scope["type"] == "websocket" and not self._in_flight.hosts.allow(scope):
            await send({"type": "websocket.close"})
        else:
            await self._app(scope, receive, send)


class _ClosingSend:
    """Sends, closes the connection while the server stops, and knows whether anything was sent."""

    __slots__ = ("_is_stopping", "_send", "has_begun")

    def __init__(self, send: Send, is_stopping: Callable[[], bool]) -> None:
        self._send = send
        self._is_stopping = is_stopping
        self.has_begun = False

    def __call__(self, message: Message) -> Awaitable[None]:
        self.has_begun = True
        if message["type"] == "http.response.start" and self._is_stopping():
            message = _closing(message)
        return self._send(message)


def _closing(message: Message) -> Message:
    """The start of a response with a header that lets the caller open its next connection elsewhere."""
    headers = [header for header in message.get("headers", ()) if header[0].lower() != b"connection"]
    return {**message, "headers": [*headers, (b"connection", b"close")]}


def _cut_off(scope: Scope, context: CallContext) -> Response:
    """The answer to a cancelled request: the same as if its own deadline had passed."""
    error = refusal(
        ErrorCode.DEADLINE_EXCEEDED,
        "the server has stopped and could not finish the request in time; it may have run",
        context=context,
    )
    return envelope(error, status=200) if is_dispatch(scope) else problem(error, executed=True)


def _context_of(scope: Scope) -> CallContext:
    return context_from_headers(headers_of(scope))
