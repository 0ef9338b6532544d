"""How long the runs of a method take: what the server knows before it starts one more."""

from __future__ import annotations

import math
import threading
from typing import Final

_WEIGHT: Final = 0.1
"""The weight of the last run."""
_FASTEST: Final = 1e-6
"""Seconds of a run that the clock does not see."""


class ServiceTime:
    """Averages over the last runs of a method, in seconds; 0.0 as long as there was none. Safe in threads.

    ``mean`` says how much work a queue of calls is. ``typical``, the geometric mean, says whether one call has enough
    time: a few runs that take very long hardly raise it, so calls that are likely to be quick are not refused.
    """

    __slots__ = ("_lock", "_log", "mean", "refusals", "typical")

    def __init__(self) -> None:
        self.mean = 0.0
        self.typical = 0.0
        self.refusals = 0
        """Calls that were not started, because they could not end in time."""
        self._log = 0.0
        self._lock = threading.Lock()

    def observe(self, seconds: float) -> None:
        """Take a run into account."""
        seconds = max(seconds, _FASTEST)
        log = math.log(seconds)
        with self._lock:
            if not self.mean:
                self.mean, self._log = seconds, log
            else:
                self.mean += (seconds - self.mean) * _WEIGHT
                self._log += (log - self._log) * _WEIGHT
            self.typical = math.exp(self._log)

    def refused(self) -> None:
        """A call was not started for lack of time: give the averages less weight.

        Without runs they would never change, and a method that was slow once would be refused for ever.
        """
        with self._lock:
            self.refusals += 1
            self.mean *= _DOUBT
            self._log += _LOG_DOUBT
            self.typical *= _DOUBT


_DOUBT: Final = 0.999
_LOG_DOUBT: Final = math.log(_DOUBT)
