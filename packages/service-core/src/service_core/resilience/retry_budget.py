"""The retry budget: how many retries the calls of the last seconds have earned."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW: Final = 10
"""Seconds over which calls and retries are counted; Finagle's RetryBudget has the same."""


class RetryBudget:
    """Shared by all calls of a channel; safe to use from several threads.

    In any ten seconds there are at most ``ratio`` retries per call, and ``reserve`` per second besides. Calls are
    counted without a lock: one that is lost earns no retry.
    """

    def __init__(self, ratio: float, reserve: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ratio = ratio
        self._reserve = reserve * WINDOW
        self._clock = clock
        self._lock = threading.Lock()
        # One entry per second in which anything happened: [second, calls, retries].
        self._latest = [0, 0, 0]
        self._seconds: deque[list[int]] = deque([self._latest])
        self._ends = 0.0
        """The time of the clock at which the latest second is over."""

    def call(self, now: float) -> None:
        """A call begins at this time of the clock, and earns its share of a retry."""
        if now >= self._ends:
            self._begin(int(now))
        self._latest[1] += 1

    def retry(self) -> bool:
        """Whether a retry is allowed; if so it is spent."""
        second = int(self._clock())
        if second >= self._ends:
            self._begin(second)
        with self._lock:
            oldest = second - WINDOW
            while self._seconds[0][0] <= oldest:
                self._seconds.popleft()
            calls = sum(second[1] for second in self._seconds)
            retries = sum(second[2] for second in self._seconds)
            allowed = retries + 1 <= self._reserve + self._ratio * calls
            if allowed:
                self._latest[2] += 1
            return allowed

    def _begin(self, second: int) -> None:
        with self._lock:
            if second < self._ends:  # another thread was quicker
                return
            self._latest = [second, 0, 0]
            self._ends = second + 1.0
            self._seconds.append(self._latest)
            if len(self._seconds) > 2 * WINDOW:
                self._seconds.popleft()
