"""Serving streams: the steps of a sync generator, which may block, in worker threads.

A step takes as many items as the generator yields, up to a limit. While it goes on the event loop writes those that
have come, so that no item waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from service_core.dispatch.responses import StreamSink
from service_core.dispatch.streams.waiting import ItemWait
from service_core.dispatch.thread_pool import ThreadPool


class ThreadSteps:
    """The steps of a sync generator, one after the other."""

    def __init__(
        self, begin: Callable[[], Iterable[Any]], items: deque[Any], sink: StreamSink, flush: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._iterator: Iterator[Any] | None = None
        self._items = items
        self._sink = sink
        self._flush = flush
        self._draining: asyncio.Task[None] | None = None
        self._limit = 1
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        self._is_running = False
        self._is_notified = False
        self._is_closed = False
        self._failure: BaseException | None = None
        self._ended: asyncio.Future[None] | None = None

    async def take(self, limit: int, workers: ThreadPool | None, wait: ItemWait) -> bool:
        """Take up to ``limit`` items; whether there may be more."""
        self._limit = limit
        more: bool
        if workers is None:
            more = self._take()
        else:
            self._is_running = True
            step = workers.run(self._context.run, (self._take,), on_end=self._end)
            more = await wait.until(step)
        if self._failure is not None:
            raise self._failure
        return more

    def _take(self) -> bool:
        if self._iterator is None:
            self._iterator = iter(self._begin())
        for item in self._iterator:
            self._items.append(item)
            if self._is_running and not self._is_notified:
                self._is_notified = True
                self._loop.call_soon_threadsafe(self._flush_while_running)
            if len(self._items) >= self._limit or self._is_closed:
                return not self._is_closed
        return False

    def _flush_while_running(self) -> None:
        """Write what a step has taken that goes on."""
        self._is_notified = False
        if not self._is_running or self._is_closed:
            return
        if self._sink.is_full:
            self._is_notified = True
            self._draining = self._loop.create_task(self._flush_when_drained())
            return
        try:
            self._flush()
        except BaseException as error:  # noqa: BLE001 - raised where the step is awaited
            self._failure, self._is_closed = error, True

    async def _flush_when_drained(self) -> None:
        await self._sink.drain()
        self._flush_while_running()

    def _end(self) -> None:
        """A step has ended. Called by its thread."""
        self._is_running = False
        if self._ended is not None:
            self._loop.call_soon_threadsafe(_set, self._ended)

    async def close(self, workers: ThreadPool | None) -> None:
        """Close the generator after its current step."""
        self._is_closed = True
        if self._draining is not None:
            self._draining.cancel()
        self._ended = self._loop.create_future()
        if self._is_running:
            await asyncio.wait([self._ended])
        close: Callable[[], None] | None = getattr(self._iterator, "close", None)
        if close is None:
            return
        if workers is None or workers.is_closed:
            self._context.run(close)
        else:
            await workers.run(self._context.run, (close,))


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
