"""The time that a connection may take for what comes next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

__all__ = ["Patience"]


class Patience:
    """One timer for all limits of a connection. Used on one event loop.

    Limits come and go with every request, and setting a timer takes as long as answering half of one. So the timer
    is left alone as long as it does not ring too late, and when it rings it looks how much time there really is.
    """

    __slots__ = ("_end", "_loop", "_lost", "_rings_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[], None]) -> None:
        """``lost`` is called when a limit has passed, once for each."""
        self._loop = loop
        self._lost = lost
        self._end = self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a limit."""
        return self._end < math.inf

    def last(self, seconds: float) -> None:
        """From now on there are that many seconds, whatever was said before."""
        self._end = self._loop.time() + seconds
        if self._end < self._rings_at:
            self._set()

    def rest(self) -> None:
        """From now on there is no limit."""
        self._end = math.inf

    def end(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = self._end
        self._timer = self._loop.call_at(self._end, self._look)

    def _look(self) -> None:
        self._timer, self._rings_at = None, math.inf
        if self._end <= self._loop.time():
            self._end = math.inf
            self._lost()
        elif self.is_running:
            self._set()
