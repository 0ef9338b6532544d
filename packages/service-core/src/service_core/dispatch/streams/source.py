"""The iterator behind a stream that is sent: it runs ahead of its reader, which takes what has come.

What a generator yields without waiting for anything is taken as one list, and what it yields before a wait is taken at
once. So many small items are cheap, and no item waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final

from service_core.dispatch.thread_pool import ThreadPool

FIRST_ITEMS: Final = 16
"""Items by which a generator runs ahead, as long as their size is not known."""
_MOST_ITEMS: Final = 1024
"""The same for items that are small."""
_BYTES: Final = 64 * 1024
"""Bytes of these items together."""


class StreamSource:
    """Runs one generator in a task of its own, to its end or until :meth:`aclose`. Used on one event loop."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._limit = FIRST_ITEMS
        self._loop = asyncio.get_running_loop()
        self._has_items = asyncio.Event()
        self._has_space = asyncio.Event()
        self._notified = False
        self._closed = False
        self._task: asyncio.Task[Any] | None = None

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work``, which calls :meth:`iterate` or :meth:`iterate_sync`, in a copy of the current context."""
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(lambda _: self._has_items.set())

    # the generator's side

    async def iterate(self, items: AsyncIterator[Any]) -> None:
        """Take all items of an async generator. Raises what it raises, and closes it in any case."""
        try:
            async for item in items:
                self._put(item)
                if len(self._items) >= self._limit:
                    await self._wait_for_space()
                if self._closed:
                    return
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()

    async def iterate_sync(self, items: Iterator[Any], workers: ThreadPool) -> None:
        """As :meth:`iterate`, step by step in threads of ``workers``.

        All steps run in one context. One that runs when the stream is closed is not interrupted; the generator is
        closed after it.
        """
        context = contextvars.copy_context()
        step: asyncio.Future[bool] | None = None
        try:
            more = True
            while more:
                step = asyncio.ensure_future(workers.run(context.run, (self._step, items)))
                more = await asyncio.shield(step)
                await self._wait_for_space()
        finally:
            await _close_sync(items, step, context, workers)

    def _step(self, items: Iterator[Any]) -> bool:
        """Take items until enough wait to be read; whether there may be more."""
        for item in items:
            self._items.append(item)
            if not self._notified:
                self._notified = True
                self._loop.call_soon_threadsafe(self._has_items.set)
            if len(self._items) >= self._limit or self._closed:
                return not self._closed
        return False

    def _put(self, item: Any) -> None:
        self._items.append(item)
        if not self._notified:
            self._notified = True
            self._has_items.set()

    async def _wait_for_space(self) -> None:
        while len(self._items) >= self._limit and not self._closed:
            self._has_space.clear()
            await self._has_space.wait()

    # the reader's side

    async def take(self) -> list[Any]:
        """The items that have come, at least one; an empty list if there are no more."""
        while True:
            self._has_items.clear()
            self._notified = False
            items = [self._items.popleft() for _ in range(len(self._items))]
            if items:
                self._has_space.set()
                return items
            if self._task is None or self._task.done():
                return []
            await self._has_items.wait()

    def adapt(self, count: int, size: int) -> None:
        """Run ahead by as many items as fit in the limit of bytes, since ``count`` of them had ``size`` bytes."""
        self._limit = items_ahead(count, size)

    @property
    def outcome(self) -> Any:
        """What the work returned; None as long as it runs, and after :meth:`aclose` has ended it."""
        task = self._task
        return task.result() if task is not None and task.done() and not task.cancelled() else None

    async def aclose(self) -> None:
        """End the generator and wait until it has; its ``finally`` blocks run. Safe to call twice."""
        self._closed = True
        self._items.clear()
        self._has_space.set()
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])


def items_ahead(count: int, size: int) -> int:
    """How many items may wait to be sent, if ``count`` of them had ``size`` bytes."""
    return max(1, min(_MOST_ITEMS, count * _BYTES // max(1, size)))


async def _close_sync(
    items: Iterator[Any],
    step: asyncio.Future[bool] | None,
    context: contextvars.Context,
    workers: ThreadPool,
) -> None:
    """Close a generator after its current step."""
    if step is not None and not step.done():
        await asyncio.wait([step])
    close: Callable[[], None] | None = getattr(items, "close", None)
    if close is None:
        return
    if workers.is_closed:
        context.run(close)
    else:
        await workers.run(context.run, (close,))
