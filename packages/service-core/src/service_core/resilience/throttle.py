"""Adaptive throttling: a client whose calls all instances refuse for overload sends fewer of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

_SENT_FOR_EACH: Final = 2.0
"""Calls that are sent for each one that is answered, so that the end of the overload is noticed."""
_FADING: Final = 3.0
"""Seconds in which the answers that were counted fade to 1/e."""
_ALWAYS: Final = 5.0
"""Calls per second that are sent in any case."""
_LEARNING: Final = 1.0
"""Seconds after the first refusal in which answers are counted before calls are held back."""
_RECOVERY: Final = 10.0
"""Seconds after the last refusal in which calls are held back."""


class Throttle:
    """Decides which calls of a method are not sent. Safe to use from several threads.

    While calls are refused by all instances, at most twice as many are sent per second as were answered per second
    lately: the rule of chapter 21 of "Site Reliability Engineering" (Google, 2016), with a rate in place of a
    probability, so that it neither swings nor outlasts the overload. Nothing is counted as long as none is refused so.
    """

    __slots__ = (
        *("_allowed", "_answered", "_begun_at", "_clock", "_faded_at", "_lock", "_refused_at", "_filled_at"),
        "is_active",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_active = False
        """Whether calls may be held back, and answers are counted."""
        self._clock = clock
        self._lock = threading.Lock()
        self._begun_at = 0.0
        self._refused_at = 0.0
        self._answered = 0.0
        self._faded_at = 0.0
        self._allowed = 0.0
        """Calls that may be sent now."""
        self._filled_at = 0.0

    def refuses(self) -> bool:
        """Whether a call that begins must not be sent; else it is counted."""
        if not self.is_active:
            return False
        now = self._clock()
        with self._lock:
            if now - self._refused_at > _RECOVERY:
                self.is_active = False
            if not self.is_active or now - self._begun_at < _LEARNING:
                return False
            rate = self._rate(now)
            self._allowed = min(rate, self._allowed + (now - self._filled_at) * rate)
            self._filled_at = now
            if self._allowed < 1.0:
                return True
            self._allowed -= 1.0
            return False

    def answered(self) -> None:
        """A call was answered."""
        if not self.is_active:
            return
        now = self._clock()
        with self._lock:
            self._fade(now)
            self._answered += 1.0

    def refused_by_all(self) -> None:
        """A call has ended because the instances refused it for overload."""
        now = self._clock()
        with self._lock:
            self._refused_at = now
            if not self.is_active:
                self.is_active = True
                self._begun_at = self._faded_at = self._filled_at = now
                self._answered = self._allowed = 0.0

    def _rate(self, now: float) -> float:
        """How many calls may be sent per second."""
        self._fade(now)
        seconds = _FADING * -math.expm1((self._begun_at - now) / _FADING)
        return max(_ALWAYS, _SENT_FOR_EACH * self._answered / seconds)

    def _fade(self, now: float) -> None:
        self._answered *= math.exp((self._faded_at - now) / _FADING)
        self._faded_at = now
