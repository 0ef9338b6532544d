"""A watch over the event loop: a call that blocks it delays all others, health checks included."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Final, Self

logger: Final = logging.getLogger("service.server")

_OURS: Final = frozenset({"service_core", "service_server_fastapi", "service_health", "service_otel"})
_SERVERS: Final = frozenset({"fastapi", "gunicorn", "hypercorn", "starlette", "uvicorn", "uvicorn_worker", "uvloop"})


class LoopWatch:
    """Logs a warning with the place in the code that blocks the event loop, once for each function.

    A thread of its own looks several times within ``limit`` whether the loop still runs callbacks. While the whole
    process is suspended, or the loop itself waits for a processor, there is no such place and nothing is logged.
    Entered and left on the event loop.
    """

    def __init__(self, limit: float = 1.0) -> None:
        """``limit`` are the seconds after which the loop counts as blocked."""
        self._limit = limit
        self._interval = limit / 4
        self._beat = 0.0
        self._thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._reported: set[object] = set()

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        self._on_loop(asyncio.get_running_loop())
        threading.Thread(target=self._watch, name="service-loop-watch", daemon=True).start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()

    def _on_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beat = time.monotonic()
        self._timer = loop.call_later(self._interval, self._on_loop, loop)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._ended.wait(self._interval):
            before, looked = looked, time.monotonic()
            if looked - before > 2 * self._interval:
                self._beat = looked  # this thread did not run either
            elif looked - self._beat > self._limit:
                self._report(looked - self._beat)

    def _report(self, seconds: float) -> None:
        frame = _blocking_frame(sys._current_frames().get(self._thread))
        if frame is None or frame.f_code in self._reported:
            return
        self._reported.add(frame.f_code)
        logger.warning(
            "%s (%s:%d) has blocked the event loop for %.1f s, so that all calls and health checks wait; declare the "
            "method with 'def', which runs in a worker thread, or await what it waits for",
            frame.f_code.co_qualname,
            frame.f_code.co_filename,
            frame.f_lineno,
            seconds,
        )


def _blocking_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost function of the user's in a stack, else the innermost one of a library, else None."""
    library = None
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in _OURS | _SERVERS and package not in sys.stdlib_module_names:
            if "site-packages" not in frame.f_code.co_filename:
                return frame
            library = library or frame
        frame = frame.f_back
    return library
