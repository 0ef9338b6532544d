"""Serving streams: the generator runs in the task of its call, and what it yields is written at once.

What a generator yields without waiting for anything is written as one part, and what it has yielded before a wait is
written before that wait. So many small items are cheap, and no item waits for the next one. No task and no queue stands
between the generator and the connection: the first item of a stream takes hardly longer than the result of a call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from service_core.dispatch.responses import StreamSink
from service_core.dispatch.streams.item_limits import ItemLimits
from service_core.dispatch.streams.source import FIRST_ITEMS, items_ahead
from service_core.dispatch.streams.thread_steps import ThreadSteps
from service_core.dispatch.streams.waiting import ItemWait
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import Continuation, uninterrupted, within
from service_core.errors import ArgumentException
from service_core.wire.streams import StreamWriter

_GRACE: Final = 1.0
"""Seconds until a step is cancelled that waits when its stream has failed: it may be in a ``finally`` block."""


class ItemRunner:
    """Takes the items of one generator and writes them to a sink. Used by one task."""

    def __init__(
        self,
        sink: StreamSink,
        writer: StreamWriter,
        limits: ItemLimits,
        keep_alive: float,
        on_close: Callable[[], None],
    ) -> None:
        """``on_close`` is called when a generator has ended, and before one that has not is closed; perhaps twice."""
        self._sink = sink
        self._writer = writer
        self.limits: Final = limits
        """How long no item may come."""
        self._wait = ItemWait(limits, keep_alive, self._write_idle)
        self._on_close = on_close
        self._items: deque[Any] = deque()
        self._limit = FIRST_ITEMS
        self.has_begun = False
        """Whether a part has been written."""
        self.ending: list[bytes] = []
        """The last parts, to be written together with the end of the stream."""

    async def iterate(self, items: AsyncIterator[Any]) -> None:
        """Take all items of an async generator. Raises what it raises, TimedOut, and closes it in any case."""
        try:
            await self._take_all(items)
            self._on_close()
            self._finish()
        except BaseException:
            self._on_close()
            close = getattr(items, "aclose", None)
            if close is not None:
                await uninterrupted(close())
            self._finish()
            raise

    async def _take_all(self, items: AsyncIterator[Any]) -> None:
        taken, take = self._items, aiter(items).__anext__
        while True:
            step: Any = take().__await__()
            try:
                waits_for = step.send(None)
            except StopIteration as done:
                taken.append(done.value)
            except StopAsyncIteration:
                return
            else:
                if taken:
                    await self._flush_before(step, waits_for)
                try:
                    taken.append(await self._wait.until(Continuation(step, waits_for)))
                except StopAsyncIteration:
                    return
            if len(taken) >= self._limit:
                self._flush()
                await self._let_others_run()

    async def _flush_before(self, step: Any, waits_for: Any) -> None:
        """Write what has come before a step that waits; if that fails the step is ended."""
        try:
            self._flush()
        except BaseException:
            with suppress(Exception):  # the stream has failed already, which is reported
                await within(Continuation(step, waits_for), _GRACE)
            raise

    async def iterate_sync(self, begin: Callable[[], Iterable[Any]], workers: ThreadPool | None) -> None:
        """As :meth:`iterate`, step by step in threads of ``workers``; on the event loop if there are none.

        ``begin`` gives the generator, in the first step. All steps run in one context. One that runs when the stream is
        closed is not interrupted; the generator is closed after it.
        """
        step = ThreadSteps(begin, self._items, self._sink, self._flush)
        try:
            while await step.take(self._limit, workers, self._wait):
                self._flush()
                await self._let_others_run()
            self._on_close()
            self._finish()
        except BaseException:
            self._on_close()
            await uninterrupted(step.close(workers))
            self._finish()
            raise

    async def _let_others_run(self) -> None:
        """Wait while the client reads more slowly than the generator yields; at least one turn of the event loop."""
        if self._sink.is_full:
            await within(self._sink.drain(), self.limits.remaining_in_total)
        else:
            await asyncio.sleep(0)

    # writing

    def _flush(self) -> None:
        """Write the items that have come. Raises ArgumentException for one that is not of the declared type."""
        for part in self._parts():
            self._write(part)

    def _finish(self) -> None:
        """Write the items before the end, or before a failure, together with that."""
        for part in self._parts():
            self.ending.append(part)

    def _parts(self) -> Iterator[bytes]:
        """The items as parts; those before a wrong one are given."""
        items = [self._items.popleft() for _ in range(len(self._items))]
        if not items:
            return
        try:
            part = self._writer.write_items(items)
        except ArgumentException:
            if len(items) == 1:
                raise
            for item in items:
                yield self._writer.write_items([item])
        else:
            self._limit = items_ahead(len(items), len(part))
            yield part
        self.limits.item_taken()

    def _write(self, part: bytes) -> None:
        self._sink.write(part)
        self.has_begun = True
        self._wait.part_written()

    def _write_idle(self) -> None:
        self._write(self._writer.idle)
