"""An event loop in a thread of its own, for sync code that needs what is async, and the other way round."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


@functools.cache
def background_loop() -> asyncio.AbstractEventLoop:
    """The loop of that thread, which is started at the first use."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="service-blocking", daemon=True).start()
    return loop


if hasattr(os, "register_at_fork"):  # not on Windows; the thread does not exist in a child
    os.register_at_fork(after_in_child=background_loop.cache_clear)


def in_background(items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The items of an async generator, which runs on that loop, for sync code. Closing one closes the other."""
    loop = background_loop()
    try:
        while True:
            taken = _wait(asyncio.run_coroutine_threadsafe(_taken(items), loop))
            if not taken:
                return
            yield taken[0]
    finally:
        asyncio.run_coroutine_threadsafe(items.aclose(), loop).result()


async def in_threads(items: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """The items of a sync generator, which advances in threads, for async code. It is closed after its current step."""
    step: asyncio.Future[list[T]] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(_taken_sync, items))
            taken = await asyncio.shield(step)
            if not taken:
                return
            yield taken[0]
    finally:
        if step is not None and not step.done():
            await asyncio.wait([step])
        await asyncio.to_thread(items.close)


def _taken_sync(items: Generator[T, None, None]) -> list[T]:
    """One item in a list, an empty list at the end."""
    for item in items:
        return [item]
    return []


def _wait(step: Future[T]) -> T:
    """The result of a step; where the wait is interrupted, as by Ctrl-C, the step ends first."""
    try:
        return step.result()
    except BaseException:
        step.cancel()
        raise


async def _taken(items: AsyncGenerator[T, None]) -> list[T]:
    """One item in a list, an empty list at the end: futures cannot hold StopAsyncIteration."""
    async for item in items:
        return [item]
    return []
