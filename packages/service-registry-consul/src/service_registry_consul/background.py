"""The one thread of a registry, with an event loop on which all its work is done."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

logger: Final = logging.getLogger("service.registry.consul")


class Background:
    """Starts with the first task. The methods may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._endless: set[asyncio.Task[Any]] = set()
        self._finishing: set[asyncio.Task[Any]] = set()

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function on the loop. Nothing happens after :meth:`close`."""
        with self._lock:
            if self._closed:
                return
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name="consul", daemon=True)
                self._thread.start()
            self._loop.call_soon_threadsafe(function, *args)

    def begin(self, run: Callable[[], Awaitable[Any]], *, finishes: bool = False) -> None:
        """Run a coroutine function until it is cancelled by :meth:`close`; called on the loop.

        One that ``finishes`` ends by itself after :meth:`close`, which waits for it.
        """
        tasks = self._finishing if finishes else self._endless
        tasks.add(asyncio.ensure_future(run()))

    def is_own_thread(self) -> bool:
        """Whether the caller runs on the loop."""
        return threading.current_thread() is self._thread

    def close(self, timeout: float | None) -> bool:
        """End what runs, and the thread; False if that takes longer than ``timeout`` seconds.

        Does not wait with None, nor on the loop itself.
        """
        with self._lock:
            if self._loop is None or self._thread is None:
                self._closed = True
                return True
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._stop.set)
        if timeout is None or self.is_own_thread():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        # Only for name resolution; the default would grow to more threads than there are names to resolve.
        loop.set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="consul-resolve"))
        try:
            loop.run_until_complete(self._main())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    async def _main(self) -> None:
        await self._stop.wait()
        for task in self._endless:
            task.cancel()
        await asyncio.gather(*self._endless, *self._finishing, return_exceptions=True)
