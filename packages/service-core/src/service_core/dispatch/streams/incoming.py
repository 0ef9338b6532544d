"""Serving streams: the items of an argument, from the parts of a request as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, Final, TypeVar

from service_core.arguments import Arguments
from service_core.declaring.signatures.streams import StreamDescriptor, with_stream
from service_core.errors import ArgumentException
from service_core.rest import LineReader
from service_core.wire import (
    JSON,
    Codec,
    MalformedData,
    TooManyValues,
    WireType,
    check_value,
    json_holds_more,
    read_json,
)
from service_core.wire.streams import Frame, FrameKind, FrameReader, check_call

T = TypeVar("T")

_CHECK_INTERVAL: Final = 5.0
"""Seconds after which a thread that waits for items checks whether their event loop still exists."""


class WrongItem(ArgumentException):
    """An item that the caller has sent does not fit its type, or cannot be read; raised inside of the method."""


def with_input(arguments: Arguments, stream: StreamDescriptor, lists: AsyncGenerator[list[Any], None]) -> Arguments:
    """The arguments of a method, one of which is a stream; ``lists`` of its items are read on the running loop."""
    items = _items(lists) if stream.is_async else ThreadInput(lists, asyncio.get_running_loop())
    return with_stream(arguments, stream, items)


class InputFrames:
    """A request over dispatch that is a stream: the call, then the items of one argument. Used on one event loop."""

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

    async def lists(
        self, codec: Codec, wire: WireType, check: Callable[[bytes], None]
    ) -> AsyncGenerator[list[Any], None]:
        """The items, list by list; ``check`` raises for a payload that is refused. Raises WrongItem."""
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
                check_value(codec, wire, came.payload)
                items: list[Any] = codec.read_value(wire, came.payload)
            except (MalformedData, TooManyValues, ArgumentException) as error:
                raise _wrong(wire, error) from error
            yield items

    async def _next(self) -> Frame | None:
        while not self._frames:
            try:
                part = await anext(self._parts)
            except StopAsyncIteration:
                return None
            self._frames = self._reader.feed(part)[::-1]
        return check_call(self._frames.pop())


async def input_lines(
    wire: WireType, parts: AsyncIterator[bytes], *, max_bytes: int, max_values: int
) -> AsyncGenerator[list[Any], None]:
    """The items of a REST request, one in each line, list by list. Raises WrongItem.

    ``wire`` is the type of an item. ``max_bytes`` and ``max_values`` limit each line.
    """
    reader = LineReader(max_bytes)
    try:
        async for part in parts:
            if lines := reader.feed(part):
                yield [_item(wire, line, max_values) for line in lines]
        if lines := reader.end():
            yield [_item(wire, line, max_values) for line in lines]
    except (MalformedData, TooManyValues, ArgumentException) as error:
        raise _wrong(wire, error) from error


def _wrong(wire: WireType, error: Exception) -> WrongItem:
    if isinstance(error, ArgumentException):
        return WrongItem(error.message, details=error.details)
    return WrongItem(f"{wire.where}: {error}")


def _item(wire: WireType, line: bytes, max_values: int) -> Any:
    if json_holds_more(line, max_values):
        raise TooManyValues(max_values)
    check_value(JSON, wire, line)
    return read_json(wire, line)


async def _items(lists: AsyncGenerator[list[Any], None]) -> AsyncGenerator[Any, None]:
    async for items in lists:
        for item in items:
            yield item


class ThreadInput:
    """The items of an argument for a method that runs in another thread.

    A call that ends before its stream, since its caller has disconnected or its deadline has passed, cannot interrupt
    the thread. So the iteration raises ConnectionAbortedError then: a stream that is cut off must not look like a
    shorter one.
    """

    def __init__(self, lists: AsyncGenerator[list[Any], None], loop: asyncio.AbstractEventLoop) -> None:
        self._lists = lists
        self._loop = loop
        self._reading: asyncio.Task[Any] | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[Any]:
        while (items := self._wait(self._begin())) is not None:
            yield from items

    def _begin(self) -> Future[list[Any] | None]:
        step = self._next()
        try:
            return asyncio.run_coroutine_threadsafe(step, self._loop)
        except RuntimeError:  # the loop is closed
            step.close()
            raise _cut_off() from None

    def _wait(self, step: Future[list[Any] | None]) -> list[Any] | None:
        while True:
            try:
                return step.result(_CHECK_INTERVAL)
            except CancelledError:
                raise _cut_off() from None
            except TimeoutError:
                if step.done():
                    raise  # it is an error of the step
                if self._loop.is_closed():  # with steps that it has not begun
                    step.cancel()

    async def _next(self) -> list[Any] | None:
        if self._is_over:
            raise asyncio.CancelledError
        self._reading = asyncio.current_task()
        try:
            return await anext(self._lists, None)
        finally:
            self._reading = None

    def end(self) -> None:
        """The call has ended. Called on the event loop; safe to call twice."""
        self._is_over = True
        if self._reading is not None:
            self._reading.cancel()


def _cut_off() -> ConnectionAbortedError:
    return ConnectionAbortedError("the call has ended before the stream that is its argument")


async def ending_input(run: Coroutine[Any, Any, T], arguments: Arguments) -> T:
    """Run a method, and end what it may still read in a thread, which does not end with its call."""
    try:
        return await run
    finally:
        end_input(arguments)


def end_input(arguments: Arguments) -> None:
    """End the argument that is read in a thread, if there is one."""
    for argument in arguments:
        if isinstance(argument, ThreadInput):
            argument.end()
