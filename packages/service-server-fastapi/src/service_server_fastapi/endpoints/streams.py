"""Streams over ASGI: an answer that is sent in parts, and a request that is read in parts meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Protocol, Self, cast

from starlette.types import Message, Receive, Scope, Send

from service_core.dispatch import Response, StreamBody, StreamSink
from service_server_fastapi.http1.timeouts import PARTS
from service_server_fastapi.requests.admission import Disconnected
from service_server_fastapi.requests.in_flight import STOP_MESSAGE
from service_server_fastapi.requests.sending import unbuffered

_AHEAD: Final = 4
"""Parts of a request that are read ahead."""
_BUFFER: Final = 64 * 1024
"""Bytes that wait to be sent before a stream is held up."""


class CallerWatch(Protocol):
    """What cancels the current task if the caller disconnects."""

    def end(self) -> None:
        """Watch no more."""
        ...


async def run_stream(stream: StreamBody, sink: StreamSink) -> bytes:
    """Run a stream and return its last part; for one that runs when the server stops, the part that says so.

    Raises FailedFirst, and any other cancellation.
    """
    try:
        return await stream.run(sink)
    except asyncio.CancelledError as cancelled:
        if STOP_MESSAGE not in cancelled.args:
            raise
        cast("asyncio.Task[Any]", asyncio.current_task()).uncancel()
        return stream.stopped()


async def send_stream(scope: Scope, send: Send, answer: Response, stream: StreamBody, watch: CallerWatch) -> None:
    """Send an answer in parts, no faster than the client reads. Raises FailedFirst; nothing has been sent then."""
    scope.setdefault("extensions", {})[PARTS] = {}
    sink = _AsgiSink(send, answer)
    try:
        last = await run_stream(stream, sink)
    except BaseException:
        await sink.aclose()
        raise
    watch.end()  # from here on the end of the response looks like that of the connection
    await sink.end(last)


class _AsgiSink:
    """Sends parts in a task, since sending waits. Used on one event loop."""

    def __init__(self, send: Send, answer: Response) -> None:
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in unbuffered(answer)]
        headers.append((b"content-type", answer.content_type.encode()))
        self._send = send
        self._start: Message | None = {"type": "http.response.start", "status": answer.status, "headers": headers}
        self._parts: list[bytes] = []
        self._size = 0
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether the client reads more slowly than is written."""
        return self._size >= _BUFFER

    def write(self, part: bytes) -> None:
        """Send a part after those before it."""
        self._parts.append(part)
        self._size += len(part)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_parts())

    async def drain(self) -> None:
        """Wait until all has been sent. Raises what sending has raised."""
        if self._sending is not None:
            await asyncio.wait([self._sending])
            self._sending.result()

    async def end(self, last: bytes) -> None:
        """Send the last part, and the end of the body."""
        await self.drain()
        await self._begin()
        await self._send({"type": "http.response.body", "body": last})

    async def aclose(self) -> None:
        """Send nothing more."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _send_parts(self) -> None:
        await self._begin()
        while self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            self._size -= len(data)

    async def _begin(self) -> None:
        start, self._start = self._start, None
        if start is not None:
            await self._send(start)


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
                if not self._task.cancelling():  # what ends already is not interrupted
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
