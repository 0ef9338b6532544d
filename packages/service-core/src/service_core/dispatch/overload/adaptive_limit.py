"""The limit of an async method: as many calls at once as can be answered in time, learned from those that end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from typing import Final

from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.overload.shares import Shares

_WINDOW: Final = 0.25
"""Seconds after which the calls that have ended are taken into account, if they are enough."""
_ENOUGH: Final = 10
_LONGEST_WINDOW: Final = 5.0
"""Seconds after which they are taken into account however few they are."""
_CONGESTED: Final = 2.0
"""How many times as long as in the best window calls take when they hinder each other."""
_AGEING: Final = 1.003
"""The factor by which the best window counts as longer with each later one, since methods change."""
_FADING: Final = 2.0
"""What was counted fades to 1/e in so many times the seconds of a call in the best window, at least in 1 s."""
_KNOWN: Final = 30.0
"""Seconds in which the known capacity fades to 1/e while calls hinder each other and fewer end."""
_HOLD: Final = 60.0
"""Seconds after the last hindrance for which the limit holds."""
_SHARE_OF_TIME: Final = 0.75
"""The share of a call's time in which it is to be answered; the rest is for what the estimate does not know."""
_ALWAYS: Final = 4
"""Calls that may run at once in any case, so that there is something to measure."""


class AdaptiveLimit:
    """Refuses a call of a method that would not be answered in time because of those that run.

    Nothing is refused until calls hinder each other: they take more than twice as long as in the best window of time.
    The calls that end in time per second are the capacity then. By Little's law (running calls = calls that end per
    second x seconds of a call) it says how long one more call will take, which is refused if that is more than three
    quarters of the time that its caller gives. So a method that is slow by nature is left alone. A call without a
    deadline is never refused, and a caller who has less than its share is admitted nevertheless.

    Used on one event loop, that of the async method.
    """

    __slots__ = (
        *("_best", "_capacity", "_hold_until", "_clock", "_counted", "_ended", "_in_time", "_mean"),
        *("_refused", "_running", "_seconds", "_shares", "_window"),
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = 0
        self._refused = 0
        self._shares = Shares()
        self._window = 0.0
        """When the current window began."""
        self._ended = 0
        self._in_time = 0
        self._seconds = 0.0
        """What the calls took that ended in it."""
        self._mean = 0.0
        """Seconds of a call in the last window."""
        self._best = math.inf
        """Seconds of a call in the best window."""
        self._counted = (0.0, 0.0)
        """Calls that ended in time, and the seconds in which they did; both fade."""
        self._capacity = 0.0
        """Calls that end in time per second while calls hinder each other."""
        self._hold_until = 0.0

    def enter(self, caller: Hashable, now: float, expires_at: float) -> None:
        """Count a call that is made now, until :meth:`leave`. Raises Overloaded."""
        if now < self._hold_until and self._running >= _ALWAYS:
            self._check(caller, now, expires_at)
        if self._running == 0:
            self._window = now
            if self._ended:
                self._begin_window(now)
        self._running += 1
        if caller is not None:
            self._shares.take(caller)

    def leave(self, caller: Hashable, entered: float, *, in_time: bool = True) -> None:
        """The call that was counted at ``entered`` has ended; ``in_time`` is false if it was cancelled."""
        self._running -= 1
        if caller is not None:
            self._shares.give_back(caller)
        now = self._clock()
        elapsed = now - self._window
        if self._running == 0 and elapsed < _WINDOW:
            return  # the next call begins another window
        self._ended += 1
        self._in_time += in_time
        self._seconds += now - entered
        if elapsed >= _WINDOW and (self._ended >= _ENOUGH or elapsed >= _LONGEST_WINDOW):
            self._learn(now, elapsed)
            self._begin_window(now)

    def view(self) -> dict[str, object]:
        """The state, as JSON-like data: ``limit`` is the calls that end per second under overload, None without."""
        is_on_hold = self._clock() < self._hold_until
        return {"running": self._running, "limit": self._capacity if is_on_hold else None, "refused": self._refused}

    def _check(self, caller: Hashable, now: float, expires_at: float) -> None:
        allowed = _SHARE_OF_TIME * (expires_at - now)
        if self._running + 1 <= self._capacity * allowed:
            return
        if self._shares.is_below(caller, self._capacity * allowed):
            return
        self._refused += 1
        expected = (self._running + 1) / self._capacity if self._capacity else math.inf
        raise Overloaded(expected - allowed, "the server is overloaded: the call could not end before its deadline")

    def _learn(self, now: float, elapsed: float) -> None:
        self._mean = self._seconds / self._ended
        self._best = min(self._mean, self._best * _AGEING)
        rest = math.exp(-elapsed / max(1.0, _FADING * self._best))
        calls, seconds = self._counted
        self._counted = calls, seconds = calls * rest + self._in_time, seconds * rest + elapsed
        if self._mean > _CONGESTED * self._best:
            if now >= self._hold_until:
                self._capacity = 0.0
            self._hold_until = now + _HOLD
            self._capacity *= math.exp(-elapsed / _KNOWN)
        self._capacity = max(self._capacity, calls / seconds)

    def _begin_window(self, now: float) -> None:
        self._window, self._ended, self._in_time, self._seconds = now, 0, 0, 0.0
