"""The server's end of a call in memory: decodes the request, executes the method and encodes the answer."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of
from service_core.hosting.hosted_services import HostedService
from service_core.hosting.token_verifier import TokenVerifier
from service_core.wire import CODECS, Codec, context_from_headers
from service_core.wire.streams import STREAM_TYPES

T = TypeVar("T")

_NO_WORKERS: Final = ThreadPool(0)
"""Has no thread, since all methods run inline."""


_STREAM_THREADS: Final = 64
_MAX_FRAME: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer of a server."""

    body: bytes
    codec: Codec
    """The media type of the body."""
    refused: bool = False
    """Whether the call was refused, rather than executed with any outcome."""


class InMemoryServer:
    """Answers as a real server does, but runs ``def`` methods in the thread of the caller.

    So the caller of such a method gets DeadlineExceeded only after the method has returned.
    """

    def __init__(
        self, services: Iterable[HostedService], *, expose_errors: bool, verifier: TokenVerifier | None
    ) -> None:
        """``expose_errors`` sends the messages of errors that are not declared."""
        services = list(services)
        inline = [replace(hosted, inline=True) for hosted in services]
        self.components = list(dict.fromkeys(hosted.component.name for hosted in inline))
        """The names of the components that are hosted."""
        calls = Executor(_NO_WORKERS, expose_errors=expose_errors, verifier=verifier)
        self._dispatcher = Dispatcher(targets_of(inline), calls)
        streaming = Executor(ThreadPool(_STREAM_THREADS), expose_errors=expose_errors, verifier=verifier)
        self._streaming = Dispatcher(targets_of(services), streaming, streams=True)

    def answer(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Execute the call of a ``def`` method."""
        # As in another process, no context of the caller is visible.
        return reply_of(contextvars.Context().run(self._carry_out, codec, headers, body))

    async def answer_async(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Execute the call of an ``async def`` method, which is cancelled at its deadline."""
        carry_out = self._carry_out_async(codec, headers, body)
        return reply_of(await asyncio.create_task(carry_out, context=contextvars.Context()))

    async def stream(self, codec: Codec, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes]) -> Response:
        """Carry out a call with a stream as result or argument: ``body`` in one piece, or in parts.

        ``def`` methods run in threads. If the result is a stream the answer has one, which the caller closes.
        """
        admitted = await self._streaming.admit(context_from_headers(headers))
        if isinstance(admitted, Response):
            return admitted
        if isinstance(body, bytes):
            return await self._streaming.dispatch(codec.content_type, body, admitted)
        kind = STREAM_TYPES[codec.content_type]
        return await self._streaming.dispatch_stream(kind, body, admitted, max_bytes=_MAX_FRAME)

    def _carry_out(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Response:
        context = context_from_headers(headers)
        if self._dispatcher.is_secured:
            admitted = _run_on_own_loop(self._dispatcher.admit(context))
            if isinstance(admitted, Response):
                return admitted
            context = admitted
        return _run(self._dispatcher.dispatch(codec.content_type, body, context))

    async def _carry_out_async(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Response:
        admitted = await self._dispatcher.admit(context_from_headers(headers))
        if isinstance(admitted, Response):
            return admitted
        return await self._dispatcher.dispatch(codec.content_type, body, admitted)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end what waits for nothing, as the call of a method in this thread."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError


def _run_on_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run what may wait on an event loop of its own, since this thread may have one that runs."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


def reply_of(answer: Response) -> Reply:
    """An answer in one piece, as a client sees it."""
    return Reply(body=answer.body, codec=CODECS[answer.content_type], refused=answer.status != 200)
