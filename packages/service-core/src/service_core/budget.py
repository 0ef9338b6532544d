"""The retry budget: how many retries the calls of the last seconds have earned."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["RetryBudget"]

WINDOW: Final = 10
"""Seconds over which calls and retries are counted; Finagle's RetryBudget has the same."""


class RetryBudget:
    """Shared by all calls of a channel; safe to use from several threads.

    In any ten seconds there are at most ``ratio`` retries per call, and ``reserve`` per second besides.
    """

    def __init__(self, ratio: float, reserve: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ratio = ratio
        self._reserve = reserve * WINDOW
        self._clock = clock
        self._lock = threading.Lock()
        # One entry per second in which anything happened: [second, calls, retries].
        self._seconds: deque[list[int]] = deque()

    def call(self) -> None:
        """A call begins, and earns its share of a retry."""
        with self._lock:
            self._now()[1] += 1

    def retry(self) -> bool:
        """Whether a retry is allowed; if so it is spent."""
        with self._lock:
            now = self._now()
            oldest = now[0] - WINDOW
            while self._seconds[0][0] <= oldest:
                self._seconds.popleft()
            calls = sum(second[1] for second in self._seconds)
            retries = sum(second[2] for second in self._seconds)
            allowed = retries + 1 <= self._reserve + self._ratio * calls
            if allowed:
                now[2] += 1
            return allowed

    def _now(self) -> list[int]:
        second = int(self._clock())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
            if len(self._seconds) > 2 * WINDOW:
                self._seconds.popleft()
        return self._seconds[-1]
