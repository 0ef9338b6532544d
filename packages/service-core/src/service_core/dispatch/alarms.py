"""Alarms: what should happen in so many seconds, and hardly ever does, since a call is in time.

A timer of uvloop takes 15 µs to set and cancel, a quarter of a short call, and one of asyncio not much less. So there
is one for all alarms of an event loop; to set an alarm is to note it, and to cancel it is to forget it.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from contextvars import Context
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

__all__ = ["Alarm", "alarm"]

_FEW: Final = 256
"""So many cancelled alarms may be kept until their time has come."""


class Alarm:
    """Something that happens at a time, unless it is cancelled before. Used on its event loop."""

    __slots__ = ("_clock", "_ring")

    def __init__(self, clock: _Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring: Callable[[], None] | None = ring

    @property
    def is_set(self) -> bool:
        """Whether it is neither cancelled nor has rung."""
        return self._ring is not None

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        if self._ring is not None:
            self._ring = None
            self._clock.forget_one()

    def ring(self) -> None:
        """Do it now, and not again."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()


def alarm(seconds: float, ring: Callable[[], None]) -> Alarm:
    """Call ``ring`` on the running event loop in that many seconds, unless the alarm is cancelled before."""
    loop = asyncio.get_running_loop()
    clock: _Clock | None = getattr(_here, "clock", None)
    if clock is None or clock.loop is not loop:
        clock = _here.clock = _Clock(loop)
    return clock.set(seconds, ring)


_here: Final = threading.local()
"""The clock of the event loop that has last run in this thread."""


class _Clock:
    """All alarms of an event loop, the next one first."""

    __slots__ = ("_alarms", "_cancelled", "_context", "_next", "_numbers", "_timer", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._numbers = count()
        self._cancelled = 0
        self._timer: asyncio.Handle | None = None
        self._next = math.inf
        """When the timer rings; uvloop cannot tell of one that does so at once."""
        self._context = Context()  # not that of the call which happens to set the timer

    def set(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        when = self.loop.time() + seconds
        alarm = Alarm(self, ring)
        heappush(self._alarms, (when, next(self._numbers), alarm))
        if when < self._next:
            self._wait_until(when)
        return alarm

    def forget_one(self) -> None:
        self._cancelled += 1
        if self._cancelled > _FEW and self._cancelled * 2 > len(self._alarms):
            self._alarms = [entry for entry in self._alarms if entry[2].is_set]
            heapify(self._alarms)
            self._cancelled = 0

    def _wait_until(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = when
        self._timer = self.loop.call_at(when, self._look, context=self._context)

    def _look(self) -> None:
        self._timer, self._next = None, math.inf
        now = self.loop.time()
        while self._alarms:
            when, _, alarm = self._alarms[0]
            if alarm.is_set and when > now:
                self._wait_until(when)
                break
            heappop(self._alarms)
            if alarm.is_set:
                self.loop.call_soon(alarm.ring)
            else:
                self._cancelled -= 1
