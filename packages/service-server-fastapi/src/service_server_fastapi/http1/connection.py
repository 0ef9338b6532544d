"""One connection of the server, run by uvicorn as its ``http`` class.

uvicorn makes it with ``(config, server_state, app_state, _loop)``, finds it in ``server_state.connections``, waits for
``server_state.tasks`` and calls ``shutdown()``; nothing else of uvicorn is used.

Its states are those of :mod:`service_server_fastapi.http1.states`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from service_server_fastapi.access.rejections import CLOSE
from service_server_fastapi.http1.asgi import AsgiExchange
from service_server_fastapi.http1.head_cache import HeadCache
from service_server_fastapi.http1.incoming import Incoming
from service_server_fastapi.http1.outgoing import Outgoing
from service_server_fastapi.http1.reader import RejectedBytes, RequestReader
from service_server_fastapi.http1.request import CompleteRequest, IncomingRequest
from service_server_fastapi.http1.states import State, StatefulConnection
from service_server_fastapi.http1.websocket import hand_over
from service_server_fastapi.requests.bypass import Bypass
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.in_flight import InFlight
from service_server_fastapi.requests.peer import ConnectionInfo
from service_server_fastapi.requests.request_context import RequestContext
from service_server_fastapi.settings import ServerSettings


class ServerConnection(StatefulConnection):
    """One connection. Used on one event loop."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        settings: ServerSettings = getattr(config, "settings", None) or ServerSettings()
        bypass = config.app if isinstance(config.app, Bypass) else None
        super().__init__(_loop or asyncio.get_running_loop(), settings, bypass)
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._context = copy_context()  # each request runs in a copy of it, not in that of the request before
        self._task: asyncio.Task[None] | None = None
        self._found: tuple[tuple[str, bytes, bytes | None], FastPath | None] | None = None
        self._cache: HeadCache | None = None
        self._received = b""
        """What is being read, if it begins with a request."""

    # what the transport and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected, and is about to send something."""
        self._transport = cast(asyncio.Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # it knows its own classes only
        app = self._bypass and self._bypass.app
        self._endpoint = ConnectionInfo.of(self._transport, self._config.root_path, self._app_state, app)
        websockets = self._config.ws_protocol_class is not None
        reader = RequestReader(self._settings.max_header_bytes, websockets=websockets)
        if self._bypass is not None:
            self._cache = HeadCache(self._endpoint, self._settings)
        self._in = Incoming(self._transport, reader)
        self._out = Outgoing(self._transport, self._loop, self._settings.receive_timeout)
        self._deadline.set(self._settings.receive_timeout)

    def data_received(self, data: bytes) -> None:
        """Part of a request, a request, or several."""
        cache = self._cache if self.state is State.IDLE else None
        if cache is not None and (known := cache.read(data)) is not None:
            self._in.current = known.request
            self.state = State.WORK
            self._task = self._loop.create_task(self._answer(known, known.fast_path), context=self._context.copy())
            return
        if self.state is State.CLOSING:
            self._drop(len(data))
            return
        try:
            self._in.feed(data)
        except RejectedBytes as rejected:
            self._reject(rejected.status, rejected.reason)
            return
        if self._in.current is None:
            self._received = data if cache is not None else b""
            self._next()
            self._received = b""
        elif self.state is State.BODY:
            self._read_body(self._in.current)
        self._in.pause_if_much()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing arrives or leaves any more: calls are cancelled, applications receive ``http.disconnect``."""
        self.state = State.CLOSING
        self._deadline.close()
        self._out.lose()
        self._in.lose()
        task = self._task
        if task is None or self._exchange is not None:
            self._server_state.connections.discard(self)
            return
        task.add_done_callback(lambda _: self._server_state.connections.discard(self))  # uvicorn waits until then
        if not task.cancelling():  # one that ends is not interrupted
            task.cancel()

    def resume_writing(self) -> None:
        """There is room for more."""
        self._out.resume()
        if self.state is State.DRAIN:
            self._next()

    # requests

    def _next(self) -> None:
        """Begin the next request, or wait for it."""
        request = self._in.next()
        if self._is_last:
            self._close()
        elif request is not None:
            self._begin(request)
        elif not self._in.is_in_head:
            if self.state is not State.IDLE:
                self.state = State.IDLE
                self._deadline.set(self._settings.keep_alive)
        elif self.state is not State.HEAD:
            self._enter(State.HEAD, self._settings.receive_timeout)

    def _read_body(self, request: IncomingRequest) -> None:
        """Go on after a part of a body."""
        if request.body.is_complete:
            if self._exchange is None and self._task is None:  # the rest of one that was not wanted
                self._next()
            else:
                self._enter(State.WORK)
        elif request.body.size:
            self._deadline.clear()  # until the application waits again

    def _begin(self, request: IncomingRequest) -> None:
        if request.is_websocket:
            self._become_websocket(request)
            return
        body = request.body
        self._enter(State.WORK if body.is_complete else State.BODY)
        can_be_fast = body.is_complete and body.size <= self._settings.max_body_bytes and request.is_plain
        try:
            if self._bypass is not None and can_be_fast:
                self._find(self._bypass, request)
            else:
                self._go_over_asgi(request)
        except ValueError as error:
            self._refuse(400, str(error))

    def _find(self, bypass: Bypass, request: IncomingRequest) -> None:
        """Let what answers the request do so; it is the same for all of one verb, target and host."""
        key, scope = (request.method, request.target, request.fields.get(b"host")), None
        repeats = self._found is not None and self._found[0] == key
        if self._found is None or not repeats:
            scope = request.scope(self._endpoint)
            self._found = key, bypass.fast_path(scope)
        fast_path = self._found[1]
        if fast_path is None:
            self._go_over_asgi(request)
            return
        if repeats and self._received and self._cache is not None:
            self._cache.remember(self._received, request, fast_path)
        self._run(self._answer(CompleteRequest(request, self._endpoint, scope), fast_path))

    def _go_over_asgi(self, request: IncomingRequest) -> None:
        keep_alive = request.keep_alive and not self._is_last
        scope = request.scope(self._endpoint)
        self._exchange = AsgiExchange(self, self._out, request, scope, keep_alive=keep_alive)
        self._run(self._exchange.run(cast(Any, self._config.loaded_app)))
        task, tasks = cast("asyncio.Task[None]", self._task), self._server_state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(work, context=self._context.copy())

    async def _answer(self, complete: CompleteRequest, fast_path: FastPath) -> None:
        bypass: Any = self._bypass  # there is one, and this task
        task: Any = self._task
        in_flight: InFlight = bypass.in_flight
        in_flight.tasks.add(task)  # here, since a callback would be a turn of the event loop for every call
        RequestContext.enter(complete)
        try:
            answer = await fast_path.answer(complete, self)
        except BaseException as error:
            answer = in_flight.cut_off(complete, task) if isinstance(error, asyncio.CancelledError) else None
            if answer is None:
                self._close()  # there is nothing to say
                raise
        finally:
            in_flight.tasks.discard(task)
            self._task = None
        if self._out.is_lost:
            return
        if answer is None:
            request = self._in.current = complete.restored()
            self._go_over_asgi(request)
            return
        if answer.stream is not None:
            streamed: Any = self._streamed
            self._complete(complete.request, closes=streamed.closes)
            return
        closes = self._is_last or not complete.request.keep_alive or CLOSE in answer.headers or in_flight.is_stopping()
        self._out.write(self._heads.head_of(answer, closes=closes), answer.body)
        self._complete(complete.request, closes=closes)

    def _complete(self, request: IncomingRequest, *, closes: bool) -> None:
        """Go on after the answer to the current request."""
        self._server_state.total_requests += 1
        if closes or self._is_last:
            self._close(lingers=not request.body.is_complete)
        elif not request.body.is_complete:  # its rest is read and dropped, within a time
            request.body.discard()
            self._enter(State.BODY, self._settings.receive_timeout)
            self._in.resume()
        elif self._out.is_paused:
            self._enter(State.DRAIN)
        else:
            self._next()

    def _become_websocket(self, request: IncomingRequest) -> None:
        self._enter(State.CLOSING)  # of this protocol
        self._server_state.connections.discard(self)
        self._deadline.close()
        self._out.release()
        self._context.copy().run(
            hand_over, self._transport, request, self._in.rest, self._config, self._server_state, self._app_state
        )

    # what an exchange over ASGI calls

    def complete(self) -> None:
        """The response of the application has been written."""
        exchange, request = self._exchange, self._in.current
        self._exchange = self._task = None
        if exchange is not None and request is not None:
            request.body.wake()
            self._complete(request, closes=not exchange.can_be_reused)
