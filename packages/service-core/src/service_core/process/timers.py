"""Timers for time limits, which are set often and expire seldom.

Setting and cancelling a timer of uvloop takes 15 µs, a third of a short call, and one of asyncio not much less. So all
timers of an event loop share one of the loop itself: starting one adds it to a table, cancelling it removes it, and the
one of the loop is changed only if it would expire too late.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from contextvars import Context
from operator import attrgetter
from typing import Final


class Timer:
    """A call at a time, unless it is cancelled before. Used on its event loop."""

    __slots__ = ("_timers", "at", "callback")

    def __init__(self, timers: dict[Timer, None], at: float, callback: Callable[[], None]) -> None:
        self._timers = timers
        self.at = at
        """The time of the event loop."""
        self.callback = callback

    @property
    def is_set(self) -> bool:
        """Whether it is neither cancelled nor expired."""
        return self in self._timers

    def cancel(self) -> None:
        """Remove the timer."""
        self._timers.pop(self, None)


def start_timer(seconds: float, callback: Callable[[], None]) -> Timer:
    """Call ``callback`` on the running event loop in that many seconds, unless the timer is cancelled before."""
    loop = asyncio.get_running_loop()
    clock: _Clock | None = getattr(_here, "clock", None)
    if clock is None or clock.loop is not loop:
        clock = _here.clock = _Clock(loop)
    at = loop.time() + seconds
    timer = Timer(clock.timers, at, callback)
    clock.timers[timer] = None
    if at < clock.expires_at:
        clock.wait_until(at)
    return timer


_here: Final = threading.local()
"""The clock of the event loop that has last run in this thread."""


class _Clock:
    """All timers of an event loop, in the order in which they were started."""

    __slots__ = ("_context", "_timer", "expires_at", "loop", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.timers: dict[Timer, None] = {}
        self.expires_at = math.inf
        """When the timer expires; uvloop does not report the time of one that expires at once."""
        self._timer: asyncio.Handle | None = None
        self._context = Context()  # not that of the call which happens to set the timer

    def wait_until(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.expires_at = at
        self._timer = self.loop.call_at(at, self._expire, context=self._context)

    def _expire(self) -> None:
        self._timer, self.expires_at = None, math.inf
        now = self.loop.time()
        for timer in sorted((one for one in self.timers if one.at <= now), key=attrgetter("at")):
            self.loop.call_soon(self._ring, timer)
        later = min((one.at for one in self.timers if one.at > now), default=None)
        if later is not None:
            self.wait_until(later)

    def _ring(self, timer: Timer) -> None:
        if timer.is_set:
            timer.cancel()
            timer.callback()
