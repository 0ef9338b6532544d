"""Streams in memory: frames as on a network, passed from a server's generator to the client's."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Final

from service_core.call import Call
from service_core.dispatch import Response, ThreadPool
from service_core.dispatch.streams.source import StreamSource
from service_core.errors import DeadlineExceeded, ServiceCommunicationException
from service_core.resilience.stream_limits import StreamLimits
from service_core.testing.in_memory_server import InMemoryServer
from service_core.testing.streams.in_memory_body import RunningBody
from service_core.wire import Codec, MethodCodec
from service_core.wire.streams import Frame, FrameReader, read_items, write_call, write_end, write_items

_MAX_FRAME: Final = 64 * 1024 * 1024
_WORKERS: Final = ThreadPool(64)
"""Where sync iterators of callers advance."""


class MemoryInput:
    """The parts of a request that is a stream. If the caller's iterator raises, the call is cancelled."""

    def __init__(self, method_codec: MethodCodec, codec: Codec, envelope: bytes, items: Any) -> None:
        self._method_codec = method_codec
        self._codec = codec
        self._envelope = envelope
        self._items = items
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Never done unless the caller's iterator raises, or an item of it does not fit its type."""
        self.ended = asyncio.Event()
        """Set when the last item was taken."""

    async def parts(self, call: Call) -> AsyncGenerator[bytes, None]:
        """The frames, as the server takes them."""
        yield write_call(self._envelope)
        call.input_started = True
        source = StreamSource()
        source.start(self._iterate(source))
        try:
            while items := await source.take():
                part = write_items(self._method_codec, self._codec, items)
                source.adapt(len(items), len(part))
                yield part
            if source.outcome is not None:
                raise source.outcome
            self.ended.set()
            yield write_end()
        except Exception as error:  # noqa: BLE001 - raised to the caller, who waits for the answer
            if not self.failure.done():
                self.failure.set_exception(error)
            await asyncio.get_running_loop().create_future()  # until the call is cancelled
        finally:
            await source.aclose()

    async def _iterate(self, source: StreamSource) -> Exception | None:
        try:
            if isinstance(self._items, AsyncIterator) or hasattr(self._items, "__aiter__"):
                await source.iterate(aiter(self._items))
            else:
                items: Iterator[Any] = iter(self._items)
                await source.iterate_sync(items, _WORKERS)
        except Exception as error:  # noqa: BLE001 - belongs to the caller
            return error
        return None


async def answered(task: asyncio.Task[Any], given: MemoryInput, call: Call) -> Any:
    """The outcome of a task of the server, unless the caller's iterator raises before, or the time has passed.

    Without a deadline of the context the policy's timeout counts from the last item.
    """
    waiting: set[asyncio.Future[Any]] = {task, given.failure}
    ended = asyncio.create_task(given.ended.wait())
    try:
        done, _ = await asyncio.wait({*waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended in done:
            done, _ = await asyncio.wait(waiting, timeout=call.policy.timeout, return_when=asyncio.FIRST_COMPLETED)
        if given.failure in done:
            given.failure.result()
        if task not in done:
            raise DeadlineExceeded(f"{call.descriptor.where}: no answer in time after the last item", may_have_run=True)
        return task.result()
    finally:
        ended.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


class InMemoryStream:
    """The client's end of a stream: reads frames and gives lists of items. Used by one task."""

    def __init__(
        self, call: Call, method_codec: MethodCodec, codec: Codec, url: str, *, where: str, is_up: Callable[[], bool]
    ) -> None:
        """``is_up`` returns whether the server still runs."""
        self.url = url
        self.first: list[Any] = []
        """The items of the first frame; none if the stream is empty."""
        self._call = call
        self._method_codec = method_codec
        self._codec = codec
        self._where = where
        self._is_up = is_up
        self._reader = FrameReader(_MAX_FRAME)
        self._frames: list[Frame] = []
        self._body: RunningBody | None = None
        self._given: MemoryInput | None = None
        self._answer: Exception | None = None

    async def open(
        self, server: InMemoryServer, headers: dict[str, str], body: bytes, items: Any, limits: StreamLimits
    ) -> Response | None:
        """Send the call and wait for the first frame. Returns the answer if that is no stream."""
        parts: bytes | AsyncIterator[bytes] = body
        if items is not None:
            self._given = MemoryInput(self._method_codec, self._codec, body, items)
            parts = self._given.parts(self._call)
        # As in another process, no context of the caller is visible.
        context = contextvars.Context()
        answer = await asyncio.create_task(server.stream(self._codec, headers, parts), context=context)
        if answer.stream is None:
            return answer
        self._body = RunningBody(answer.stream, context)
        self.first = await self.next_items(limits)
        return None

    async def next_items(self, limits: StreamLimits) -> list[Any]:
        """The items of the next frame, none at the end. Raises the error that ended the stream."""
        while not self._frames:
            part = await self._next_part(limits)
            if part is None or not self._is_up():
                raise lost(self._where, self.url)
            self._frames = self._reader.feed(part)[::-1]
        try:
            return read_items(self._frames.pop(), self._method_codec, self._codec, lambda: self._where)
        except Exception as error:
            self._answer = error
            raise

    def is_answer(self, error: BaseException) -> bool:
        """Whether an error came from the server, so that the call was answered."""
        return error is self._answer

    async def _next_part(self, limits: StreamLimits) -> bytes | None:
        if self._body is None:
            return None
        waiting: set[asyncio.Future[Any]] = set() if self._given is None else {self._given.failure}
        remaining = limits.deadline.remaining
        part = await self._body.next_part(waiting, None if math.isinf(remaining) else remaining)
        if self._given is not None and self._given.failure.done():
            self._given.failure.result()
        if part is None:
            raise limits.exceeded()
        return part or None

    async def aclose(self) -> None:
        """End the call."""
        if self._body is not None:
            await self._body.aclose()


def lost(where: str, url: str) -> ServiceCommunicationException:
    """The error of a call whose server stopped before the answer was complete."""
    return ServiceCommunicationException(
        f"{where} at {url}: the connection was lost before the answer was complete; the call may have run",
        may_have_run=True,
    )
