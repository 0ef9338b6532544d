"""Streams over ASGI: an answer that is sent in parts, and a request that is read in parts meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Protocol, Self, cast

from starlette.types import Receive, Scope, Send

from service_core.dispatch import Response, StreamBody
from service_server_fastapi.http1.timeouts import PARTS
from service_server_fastapi.requests.admission import Disconnected
from service_server_fastapi.requests.in_flight import STOP_MESSAGE

__all__ = ["CallerWatch", "IncomingStream", "send_stream"]

_AHEAD: Final = 4
"""Parts of a request that are read ahead."""
_HEADERS: Final = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
"""Proxies pass the parts on as they come."""


class CallerWatch(Protocol):
    """What cancels the current task if the caller disconnects."""

    def end(self) -> None:
        """Watch no more."""
        ...


async def send_stream(scope: Scope, send: Send, answer: Response, stream: StreamBody, watch: CallerWatch) -> None:
    """Send an answer in parts, no faster than the client reads. The stream is closed in any case.

    A stream that is still running when the server stops gets its last part, which says so.
    """
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers]
    headers += [(b"content-type", answer.content_type.encode()), *_HEADERS]
    scope.setdefault("extensions", {})[PARTS] = {}
    last = b""
    try:
        await stream.begin()  # so that the head leaves together with it
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        async for part in stream:
            if not part:
                continue
            await send({"type": "http.response.body", "body": part, "more_body": True})
        last = stream.take_last()
    except asyncio.CancelledError as cancelled:
        if STOP_MESSAGE not in cancelled.args:
            raise
        cast("asyncio.Task[Any]", asyncio.current_task()).uncancel()
        last = stream.stopped
    finally:
        await stream.aclose()
    watch.end()  # from here on the end of the response looks like that of the connection
    await send({"type": "http.response.body", "body": last})


class IncomingStream(AbstractContextManager["IncomingStream"]):
    """The body of a request that is read while the call runs, by a few parts ahead.

    The connection waits longer for its parts than for those of other bodies.
    Cancels the current task if the caller disconnects inside the block, which raises Disconnected then.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        scope.setdefault("extensions", {})[PARTS] = {}
        self._receive = receive
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
        self._is_over = False
        self._reading = asyncio.create_task(self._read())

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The parts of the body."""
        while (part := await self._parts.get()) is not None:
            yield part

    def end(self) -> None:
        """Read no more, and do not watch the caller."""
        self._reading.cancel()

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_over = True
                self._task.cancel()
                return
            part: bytes = message.get("body", b"")
            if part:
                await self._parts.put(part)
            if not message.get("more_body", False):
                await self._parts.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if self._is_over and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise Disconnected from None
