"""Endpoints: the instances of a component as a channel sees them, with how they have answered so far."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service_core.resilience.error_rate import ErrorRate

_NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})
_DECAY: Final = 3.0
"""Seconds in which a latency loses its influence to 1/e: one that was slow once is tried again after some of them."""
_RESOLUTION: Final = 0.005
"""Seconds below which latencies count as equal: a pause of the scheduler must not decide who gets all calls."""
_UNKNOWN: Final = 1.0
"""Seconds that an instance is taken to need as long as its first answer is awaited."""
_FASTEST: Final = 1e-6
"""Seconds that an answer has taken if the clock says none, so that a latency is never zero once it is known."""
_FAILURE: Final = 1.0
"""Seconds that a call is taken to cost more where the last one has failed; twice as many for each further failure."""
_MOST_FAILURES: Final = 6
"""Failures in a row that count."""
_ERRORS: Final = 4.0
"""Seconds that a call is taken to cost more where all recent answers were errors of the instance; with the square of
their rate, so that a single error counts little."""
_WARM_UP: Final = 10.0
"""Seconds in which the share of an instance that joins others grows to that of the others."""
_PENALTY_DECAY: Final = 2.0
"""Seconds in which that fades to 1/e, so that an instance that failed is tried again."""


class Endpoint:
    """One instance as a channel sees it: its address and how it has answered so far.

    Shared by threads without a lock: a lost update of a load figure costs a slightly worse choice, never a
    wrong address.
    """

    __slots__ = (
        "_failed_at",
        "_failures",
        "_latency",
        "_measured_at",
        "errors",
        "in_flight",
        "metadata",
        "url",
        "warm_at",
    )

    def __init__(self, url: str, metadata: Mapping[str, str] = _NO_METADATA, *, is_new: bool = False) -> None:
        """``is_new`` is an instance that joins others: its caches are cold, so it gets few calls at first."""
        self.url = url
        """The address as the registry gave it."""
        self.metadata = metadata
        """What was registered with it, such as zone, version and weight."""
        self.in_flight = 0
        """Calls that wait for this instance's answer."""
        self.errors = ErrorRate()
        """How many of its recent answers were errors of its own."""
        self.warm_at = time.monotonic() + _WARM_UP if is_new else 0.0
        """When it gets as many calls as the others; 0.0 if it does already."""
        self._latency = 0.0
        self._measured_at = 0.0
        self._failures = 0
        self._failed_at = 0.0

    def is_ruled_out(self) -> bool:
        """Whether it leaves a call to another instance because it is new: certainly at first, then less and less."""
        left = self.warm_at - time.monotonic()
        if left <= 0.0:
            self.warm_at = 0.0
            return False
        return random.random() < left / _WARM_UP  # noqa: S311 - spreads load, guards nothing

    def observe(self, seconds: float) -> None:
        """Take a finished call's duration into account; failures before it are forgiven.

        A peak counts at once and fades with time (peak EWMA), so a slow instance is avoided from its first slow
        answer on and tried again later.
        """
        self._failures = 0
        now = time.monotonic()
        latency = self._latency
        if seconds >= latency:
            self._latency = seconds or _FASTEST
        else:
            self._latency = seconds + (latency - seconds) * math.exp((self._measured_at - now) / _DECAY)
        self._measured_at = now
        if self.errors.value:
            self.errors.answered(now, error=False)

    def failed(self, seconds: float) -> None:
        """Take a call into account that failed after that time.

        An instance that fails at once must not look like the fastest and the least busy one.
        """
        self._failures = min(self._failures + 1, _MOST_FAILURES)
        self._failed_at = time.monotonic()
        self.wait_ended(seconds)

    def answered_with_error(self, seconds: float) -> None:
        """Take an answer into account that was an error of the instance, not of the caller.

        How soon it came says nothing about the time that a result takes.
        """
        self._failures = 0
        self.errors.answered(time.monotonic(), error=True)
        self.wait_ended(seconds)

    def wait_ended(self, seconds: float) -> None:
        """Take a call into account that was not answered in that time: an answer would have taken longer."""
        if seconds > self._latency:
            self._latency = seconds
            self._measured_at = time.monotonic()

    @property
    def cost(self) -> float:
        """What another call would cost here: expected latency x calls that wait, in seconds, and more after failures.

        All of that decays between queries, so that an instance that was slow or failed once is tried again. One that
        is new costs nothing until it has its first call, and much until it has answered it.
        """
        if not self._latency:
            load = _UNKNOWN * self.in_flight
        elif self._latency <= _RESOLUTION:  # nearly always, and it does not grow by itself
            load = _RESOLUTION * (self.in_flight + 1)
        else:
            load = max(self.latency_at(time.monotonic()), _RESOLUTION) * (self.in_flight + 1)
        if self.errors.value:
            load += _ERRORS * self.errors.at(time.monotonic()) ** 2
        if not self._failures:
            return load
        penalty: float = _FAILURE * 2 ** (self._failures - 1)
        return load + penalty * math.exp((self._failed_at - time.monotonic()) / _PENALTY_DECAY)

    def latency_at(self, now: float) -> float:
        """The expected latency in seconds at a time of the monotonic clock; 0.0 as long as none is known."""
        return self._latency * math.exp((self._measured_at - now) / _DECAY)

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r}, in_flight={self.in_flight}, latency={self._latency:.6f})"
