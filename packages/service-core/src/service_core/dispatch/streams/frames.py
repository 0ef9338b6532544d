"""Serving streams: the frames of a result that a generator yields, and the items of an argument in frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

from service_core.context import CallContext, call_context
from service_core.dispatch.executor import Executor, Failure
from service_core.dispatch.responses import StreamBody
from service_core.dispatch.streams.source import StreamSource
from service_core.dispatch.target import Target
from service_core.dispatch.timeouts import TimedOut, within
from service_core.errors import ArgumentException, ErrorCode
from service_core.wire import Codec, MalformedData, TooManyValues, WireError, WireType
from service_core.wire.streams import STOPPING, Frame, FrameKind, FrameReader, frame

__all__ = ["InputFrames", "open_stream"]


def open_stream(
    executor: Executor, target: Target, arguments: tuple[Any, ...], codec: Codec, context: CallContext
) -> StreamBody | Failure:
    """The frames of a call whose result is a stream, or why it is refused.

    The method is called when the first frame is read. Used on the running event loop.
    """
    refused = executor.enter_stream(target, context)
    if refused is not None:
        return refused
    frames = _frames(executor, target, arguments, codec, context)
    stopping = WireError(type=STOPPING, code=ErrorCode.UNAVAILABLE, correlation_id=context.correlation_id)
    stopped = frame(FrameKind.ERROR, codec.write_error(stopping))
    return StreamBody(frames, lambda: executor.leave_stream(target), stopped=stopped)


async def _frames(
    executor: Executor, target: Target, arguments: tuple[Any, ...], codec: Codec, context: CallContext
) -> AsyncGenerator[bytes, None]:
    source = StreamSource()
    with call_context(context):  # for the task of the generator; this one is the server's
        source.start(executor.iterate(target, arguments, source, context))
    failure: Failure | None = None
    try:
        while items := await within(source.take(), None if context.deadline is None else context.deadline.remaining):
            for payload in _payloads(source, codec, target.plan.items, items):
                yield frame(FrameKind.ITEMS, payload)
        failure = source.outcome
    except TimedOut:
        failure = executor.late(context)
    except ArgumentException as error:  # an item that is not of the declared type
        with call_context(context):
            failure = executor.failure(target.plan, error, context)
    finally:
        await source.aclose()
    yield frame(FrameKind.END) if failure is None else frame(FrameKind.ERROR, codec.write_error(failure.error))


def _payloads(source: StreamSource, codec: Codec, wire: WireType | None, items: list[Any]) -> Iterator[bytes]:
    """The items as payloads of frames; those before a wrong one are sent. Raises ArgumentException."""
    if wire is None:
        raise AssertionError("the method has no stream")
    try:
        payload = codec.write_value(wire, items)
    except ArgumentException:
        if len(items) == 1:
            raise
        for item in items:
            yield codec.write_value(wire, [item])
    else:
        source.adapt(len(items), len(payload))
        yield payload


class InputFrames:
    """A request that is a stream: the call, then the items of one argument. Used on one event loop."""

    def __init__(self, parts: AsyncIterator[bytes], *, max_bytes: int) -> None:
        """``parts`` are those of the body; ``max_bytes`` limits each frame."""
        self._parts = parts
        self._reader = FrameReader(max_bytes)
        self._frames: list[Frame] = []

    async def call(self) -> bytes:
        """The envelope of the call. Raises MalformedData."""
        first = await self._next()
        if first is None or first.kind is not FrameKind.CALL:
            raise MalformedData("a request that is a stream begins with the frame of the call")
        return first.payload

    def items(self, codec: Codec, wire: WireType, check: Callable[[bytes], None]) -> AsyncGenerator[Any, None]:
        """The items of the argument, for an async method; ``check`` raises for a payload that is refused."""
        return self._items(codec, wire, check)

    def items_sync(self, codec: Codec, wire: WireType, check: Callable[[bytes], None]) -> Iterator[Any]:
        """As :meth:`items`, for a method that runs in another thread."""
        return _in_thread(self._lists(codec, wire, check), asyncio.get_running_loop())

    async def _items(self, codec: Codec, wire: WireType, check: Callable[[bytes], None]) -> AsyncGenerator[Any, None]:
        async for items in self._lists(codec, wire, check):
            for item in items:
                yield item

    async def _lists(
        self, codec: Codec, wire: WireType, check: Callable[[bytes], None]
    ) -> AsyncGenerator[list[Any], None]:
        while True:
            try:
                came = await self._next()
                if came is None:
                    raise MalformedData("the stream ended without the frame that says so")
                if came.kind is FrameKind.END:
                    return
                if came.kind is not FrameKind.ITEMS:
                    raise MalformedData(f"a frame of kind {came.kind.name} among the items")
                check(came.payload)
                items: list[Any] = codec.read_value(wire, came.payload)
            except (MalformedData, TooManyValues) as error:
                raise ArgumentException(f"{wire.where}: {error}") from error
            yield items

    async def _next(self) -> Frame | None:
        while not self._frames:
            try:
                part = await anext(self._parts)
            except StopAsyncIteration:
                return None
            self._frames = self._reader.feed(part)[::-1]
        return self._frames.pop()


def _in_thread(lists: AsyncGenerator[list[Any], None], loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    while True:
        items = asyncio.run_coroutine_threadsafe(_anext(lists), loop).result()
        if items is None:
            return
        yield from items


async def _anext(lists: AsyncGenerator[list[Any], None]) -> list[Any] | None:
    return await anext(lists, None)
