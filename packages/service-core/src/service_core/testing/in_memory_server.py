"""The server's end of a call in memory: headers and bytes come in, bytes go out, and the method runs in between."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from service_core.authentication import TokenVerifier
from service_core.context import CallContext
from service_core.dispatch import Answer, Calls, Dispatcher, Workers, identified
from service_core.errors import LocalServiceException
from service_core.implementations import HostedService
from service_core.wire import CODECS, Codec, context_from_headers

__all__ = ["InMemoryServer", "Reply"]

_NO_WORKERS: Final = Workers(0)
"""Never asked for a thread, since all methods run inline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answers."""

    body: bytes
    codec: Codec
    """In which the body is written."""
    refused: bool = False
    """Whether the call was turned away, rather than carried out to whatever outcome."""


class InMemoryServer:
    """Answers as a real server does, but runs ``def`` methods in the thread that calls.

    So such a method is not left alone at the end of its time: its caller learns when it returns that it was too late.
    """

    def __init__(
        self, services: Iterable[HostedService], *, expose_errors: bool, verifier: TokenVerifier | None
    ) -> None:
        """``expose_errors`` sends the messages of errors that are not declared."""
        inline = [replace(hosted, inline=True) for hosted in services]
        self.components = list(dict.fromkeys(hosted.component.name for hosted in inline))
        """The names of the components that are hosted."""
        self._dispatcher = Dispatcher(inline, Calls(_NO_WORKERS, expose_errors=expose_errors, verifier=verifier))

    def answer(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Carry out the call of a ``def`` method."""
        # As in another process, nothing that belongs to the caller is there.
        return _reply(contextvars.Context().run(_run, self._dispatch(codec, headers, body)))

    async def answer_async(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Carry out the call of an ``async def`` method, which is cancelled at the end of its time."""
        dispatch = self._dispatch(codec, headers, body)
        return _reply(await asyncio.create_task(dispatch, context=contextvars.Context()))

    async def _dispatch(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Answer:
        admitted = await self._dispatcher.admit(identified(context_from_headers(headers)))
        if isinstance(admitted, CallContext):
            return await self._dispatcher.dispatch(codec.content_type, body, admitted)
        return admitted


def _run(dispatch: Coroutine[Any, Any, Answer]) -> Answer:
    """Run to its end what waits for nothing."""
    try:
        dispatch.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    dispatch.close()
    raise LocalServiceException(
        "a 'def' method cannot be called in memory past a token verifier that waits; declare the method with "
        "'async def', or verify without waiting in tests"
    )


def _reply(answer: Answer) -> Reply:
    return Reply(body=answer.body, codec=CODECS[answer.content_type], refused=answer.status != 200)
