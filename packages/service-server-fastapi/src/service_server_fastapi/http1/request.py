"""Requests that have arrived whole, as nearly all short ones do: they are answered without ASGI's messages between.

uvicorn keeps its books as ever: it parses, lines up pipelined requests, closes and counts. What is left out is to tell
an application piece by piece what is here already, and to be told an answer in the same manner. A request whose body
is still to come, or that an application has to see, takes the way over ASGI, where there are limits on waiting.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any, Final, cast

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service_core.dispatch import Answer
from service_server_fastapi.http1.asgi import Heads
from service_server_fastapi.http1.head_cache import Repeated
from service_server_fastapi.http1.response import Joined
from service_server_fastapi.requests.bypass import Front
from service_server_fastapi.requests.fast_path import ArrivedRequest, Direct, ParsedRequest
from service_server_fastapi.requests.rejections import CLOSE

__all__ = ["ArrivedProtocol"]

_NOT_PLAIN: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"content-encoding"))
"""Headers of proxies, which uvicorn reads on the way over ASGI, and the one of bodies that have to be decoded."""


class ArrivedProtocol(HttpToolsProtocol):
    """One connection.

    Built on 0.53 of uvicorn and later, where ``cycle.keep_alive`` knows of a request that is to be the last. Should
    ``_start_asgi_task`` go one day, every request takes the way over ASGI.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        max_body_bytes: int,
    ) -> None:
        """What is larger than ``max_body_bytes`` takes the way over ASGI, where it is refused."""
        super().__init__(config, server_state, app_state, _loop)
        self._front = config.app if isinstance(config.app, Front) else None
        self._max_body_bytes = max_body_bytes
        self.context = copy_context()
        """The connection's own; each request runs in a copy of it, not in the context of the request before."""
        self._heads = Heads()
        self._is_reading = False
        self._next: RequestResponseCycle | None = None
        """A request whose turn it is, and of which the rest may be in what is being read."""
        self._in_work: RequestResponseCycle | None = None
        """The request whose turn it was last; there may be others behind it."""
        self._is_between = True
        """Whether of the next one nothing is here."""
        self._is_in_head = False
        """Whether of its head a part is here."""
        self._direct: Direct | None = None
        """What answers the request that has come last, None if it takes the way over ASGI."""
        self._repeated: Repeated | None = None
        """How the next one may begin, while of that nothing is here."""
        self._task: asyncio.Task[None] | None = None
        """What answers a request here."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        self._joined = Joined(transport, self.loop, self.closing)
        super().connection_made(cast(asyncio.Transport, self._joined))

    def closing(self) -> None:
        """The connection is closed as soon as all has been sent."""

    def take_repeated(self, data: bytes) -> bool:
        """Begin to answer if ``data`` is a request like the one before, which has been answered; else do nothing."""
        repeated, cycle = self._repeated, self.cycle
        if repeated is None or not cycle.response_complete:
            return False
        request = repeated.read(data)
        if request is None or len(request.body) > self._max_body_bytes:
            return False
        cycle.response_complete = False  # for uvicorn, which looks there whether a request is in work
        self._begin(cycle, request, repeated.direct)
        return True

    def data_received(self, data: bytes) -> None:
        """Part of a request, a request, or several."""
        is_idle = self._is_between and (self.cycle is None or self.cycle.response_complete)
        self._repeated = self._direct = None
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        if self._next is not None:
            cycle, self._next = self._next, None
            self._go_over_asgi(cycle)
        elif is_idle and self._is_between and self._direct is not None:
            self._repeated = Repeated.of(data, cast("dict[str, Any]", self.scope), self.app_state, self._direct)

    def on_message_begin(self) -> None:
        """The first byte of a request is here."""
        super().on_message_begin()
        self._is_between = False
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. One that comes after the body is none: whoever looks at heads on the way has not seen it."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is here. One that has to wait for its turn is no reason to be deaf to a hang-up."""
        was_paused = self.flow.read_paused
        super().on_headers_complete()
        self._is_in_head = False
        if self.pipeline and not was_paused:
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        """A request is here."""
        super().on_message_complete()
        self._is_between = True
        if self._next is not None:
            cycle, self._next = self._next, None
            self._route(cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for an answer any more."""
        super().connection_lost(exc)
        if self._in_work is not None and not self._in_work.response_complete:
            self._in_work.disconnected = True  # uvicorn has told the last of those that wait
            self._in_work.message_event.set()
        if self._task is not None:
            self._task.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """It is the turn of a request, says uvicorn; in most cases its head has just been read."""
        if app is not self.app:
            self.context.copy().run(super()._start_asgi_task, cycle, app)
        elif cycle.more_body and self._is_reading:
            self._next = cycle
        else:  # it has waited for its turn
            self._route(cycle)

    def _route(self, cycle: RequestResponseCycle) -> None:
        front, scope = self._front, cast("dict[str, Any]", cycle.scope)
        direct = self._direct = front.direct(scope) if front is not None and self._is_plain(cycle, scope) else None
        if direct is None:
            self._go_over_asgi(cycle)
        else:
            self.flow.resume_reading()  # to notice when the client hangs up
            self._begin(cycle, ParsedRequest(scope, bytes(cycle.body)), direct)

    def _is_plain(self, cycle: RequestResponseCycle, scope: Scope) -> bool:
        """Whether a request has arrived whole, is not too large, and came without proxies."""
        if cycle.more_body or len(cycle.body) > self._max_body_bytes:
            return False
        return _NOT_PLAIN.isdisjoint(dict(scope["headers"]))

    def _go_over_asgi(self, cycle: RequestResponseCycle) -> None:
        app: Any = self.app
        self._in_work = cycle
        self.context.copy().run(super()._start_asgi_task, cycle, app)

    def _of_its_own(self, request: ArrivedRequest, shared: RequestResponseCycle) -> RequestResponseCycle:
        """What uvicorn would have made for a request that needed no parser, and so had the cycle of an earlier one."""
        cycle = RequestResponseCycle(
            scope=cast(Any, request.scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=shared.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body += request.body
        cycle.more_body = False
        cycle.disconnected = shared.disconnected
        cycle.message_event.set()
        if self.cycle is shared:  # no other request has come since
            self.cycle = cycle
        return cycle

    def _begin(self, cycle: RequestResponseCycle, request: ArrivedRequest, direct: Direct) -> None:
        self._in_work = cycle
        self._task = self.loop.create_task(self._answer(cycle, request, direct), context=self.context.copy())

    async def _answer(self, cycle: RequestResponseCycle, request: ArrivedRequest, direct: Direct) -> None:
        traffic, task = cast(Front, self._front).traffic, cast("asyncio.Task[None]", self._task)
        self.tasks.add(task)
        try:
            answer = await traffic.answer(direct, request, task)
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
        except BaseException:
            self.transport.close()  # cancelled, and there is nothing to say
            raise
        finally:
            self.tasks.discard(task)
            self._task = None
        if answer is None:
            self._go_over_asgi(cycle if isinstance(request, ParsedRequest) else self._of_its_own(request, cycle))
        elif not cycle.disconnected:
            self._send(cycle, answer, is_last=traffic.is_stopping())

    def _send(self, cycle: RequestResponseCycle, answer: Answer, *, is_last: bool) -> None:
        says_so = CLOSE in answer.headers
        closes = says_so or is_last or not cycle.keep_alive
        head = self._heads.head_of(answer, self.server_state.default_headers, closes=closes and not says_so)
        self._joined.write_whole(head, answer.body)
        cycle.response_started = cycle.response_complete = True
        cycle.on_response = _nothing  # it refers to the connection, which refers to it
        cycle.body.clear()
        if closes:
            self.transport.close()
        self.on_response_complete()


def _nothing() -> None:
    pass
