"""The deadlines of a connection: one timer for all, and the mark of requests that have longer ones."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

PARTS: Final = "service.parts"
"""The extension of a scope whose request or response is a stream, so that its deadlines are longer."""
STREAM_PAUSE: Final = 600.0
"""Seconds for which a client may send nothing, or take nothing, of a stream."""


class Timeout:
    """Calls a function when a deadline passes, unless the deadline is moved or cleared before. Used on one event loop.

    Deadlines change with every request, and setting a timer takes as long as answering half of one. So the timer is
    left alone as long as it does not fire too late, and when it fires it compares the clock with the deadline.
    """

    __slots__ = ("_deadline", "_expired", "_fires_at", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        """``expired`` is called once for each deadline that passes."""
        self._loop = loop
        self._expired = expired
        self._deadline = self._fires_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a deadline."""
        return self._deadline < math.inf

    def set(self, seconds: float) -> None:
        """Move the deadline to that many seconds from now."""
        self._deadline = self._loop.time() + seconds
        if self._deadline < self._fires_at:
            self._start_timer()

    def clear(self) -> None:
        """Have no deadline."""
        self._deadline = math.inf

    def close(self) -> None:
        """Have no deadline and no timer any more."""
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._fire)

    def _fire(self) -> None:
        self._timer, self._fires_at = None, math.inf
        if self._deadline <= self._loop.time():
            self._deadline = math.inf
            self._expired()
        elif self.is_set:
            self._start_timer()
