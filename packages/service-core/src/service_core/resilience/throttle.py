"""Adaptive throttling: a client whose calls are refused for overload by all instances sends fewer of them."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Throttle"]

_FADING: Final = 0.4
"""Seconds in which what was counted fades to 1/e, so that calls are sent again soon after the overload."""
_FEW: Final = 5.0
"""Calls below which there is too little to go by."""
_SENT_FOR_EACH: Final = 2.0
"""Calls that are sent for each one that is accepted, so that the end of the overload is noticed."""
_CALM: Final = 10.0
"""Seconds after the last refusal for which calls are counted."""


class Throttle:
    """Decides which calls of a channel are not sent. Safe to use from several threads.

    A call is refused here with the probability (calls - 2 x accepted) / (calls + 1), as in chapter 21 of "Site
    Reliability Engineering" (Google, 2016). A call counts as accepted unless it ended because all instances that were
    called refused it for overload. Nothing is counted as long as none is refused so.
    """

    __slots__ = ("_calls", "_clock", "_counted_at", "_lock", "_refused", "_refused_at", "is_active")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_active = False
        """Whether :meth:`refuses` has to be called for each call."""
        self._clock = clock
        self._lock = threading.Lock()
        self._calls = 0.0
        self._refused = 0.0
        self._counted_at = 0.0
        self._refused_at = 0.0

    def refuses(self) -> bool:
        """Count a call that begins; whether it must not be sent."""
        now = self._clock()
        with self._lock:
            self._fade(now)
            share = self._share()
            self._calls += 1.0
            if share > 0.0 and random.random() < share:  # noqa: S311 - sheds load, guards nothing
                self._refused += 1.0
                return True
            if now - self._refused_at > _CALM:
                self.is_active = False
            return False

    def refused_by_all(self) -> None:
        """A call has ended because the instances refused it for overload."""
        now = self._clock()
        with self._lock:
            if not self.is_active:
                self.is_active = True
                self._calls = self._refused = 0.0
            self._fade(now)
            self._refused_at = now
            self._refused += 1.0
            self._calls = max(self._calls, self._refused)

    @property
    def share(self) -> float:
        """The share of calls that are not sent now, from 0.0 to 1.0."""
        with self._lock:
            self._fade(self._clock())
            return self._share() if self.is_active else 0.0

    def _share(self) -> float:
        if self._calls < _FEW:
            return 0.0
        accepted = self._calls - self._refused
        return max(0.0, (self._calls - _SENT_FOR_EACH * accepted) / (self._calls + 1.0))

    def _fade(self, now: float) -> None:
        rest = math.exp((self._counted_at - now) / _FADING)
        self._calls *= rest
        self._refused *= rest
        self._counted_at = now
