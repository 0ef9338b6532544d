"""Outlier ejection: an instance that fails again and again gets no calls for a while.

There are two reasons: consecutive failures to answer, and a rate of errors that other instances do not have.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from service_core.declaring.policy import EffectivePolicy
from service_core.resilience.selectors import Endpoint

_ERROR_RATE: Final = 0.75
"""The rate of errors from which an endpoint is ejected: seven in a row after a time without any."""


class OutlierDetector:
    """Ejects endpoints of a channel. Safe to use from several threads.

    After its ejection an endpoint is on probation: the next failure ejects it again, and for longer; a success ends it.
    Its ejections are forgotten if it has been well for longer than the last one was to last.
    """

    def __init__(self, policy: EffectivePolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self.failing: dict[Endpoint, int] = {}
        """How often in a row each has failed that has failed last; nearly always empty."""
        self.ejected: dict[Endpoint, float] = {}
        """Until when each gets no calls that was ejected; nearly always empty."""
        self._ejections: dict[Endpoint, tuple[int, float]] = {}
        """How often each was ejected in short order, and until when the last time; also after that."""

    def usable(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        """The endpoints that may get a call: all if none is ejected, or if more are than may be (panic)."""
        now = self._clock()
        ejected = dict(self.ejected)
        usable = [endpoint for endpoint in endpoints if ejected.get(endpoint, 0.0) <= now]
        if len(endpoints) - len(usable) > self._limit(len(endpoints)):
            return endpoints
        return usable

    def is_ejected(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint gets no calls now."""
        return self.ejected.get(endpoint, 0.0) > self._clock()

    def succeeded(self, endpoint: Endpoint) -> None:
        """The endpoint has answered."""
        if endpoint not in self.failing:
            return
        with self._lock:
            self.failing.pop(endpoint, None)
            self.ejected.pop(endpoint, None)

    def failed(self, endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> bool:
        """The endpoint could not be reached or did not answer; True if it is ejected for that."""
        if self._policy.eject_after == 0:
            return False
        with self._lock:
            failures = self.failing[endpoint] = self.failing.get(endpoint, 0) + 1
            now = self._clock()
            if failures == 1:
                self._forget_old_ejections(endpoint, now)
            return failures >= self._policy.eject_after and self._eject(endpoint, endpoints, now)

    def answered_with_error(self, endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> bool:
        """The endpoint has answered with an error of its own; True if it is ejected for its rate of them.

        That is so if it is high and at least twice the mean of the others. Where all have the same errors, the fault
        is in the method or in the call, and to avoid one of them would not help.
        """
        now = self._clock()
        rate = endpoint.errors.at(now)
        if self._policy.eject_after == 0 or rate < _ERROR_RATE:
            return False
        others = [other.errors.at(now) for other in endpoints if other is not endpoint]
        if sum(others) * 2 > rate * len(others):
            return False
        with self._lock:
            self._forget_old_ejections(endpoint, now)
            return self._eject(endpoint, endpoints, now)

    def _forget_old_ejections(self, endpoint: Endpoint, now: float) -> None:
        ejections, ended = self._ejections.get(endpoint, (0, 0.0))
        if ejections and now - ended > self._duration(ejections):
            del self._ejections[endpoint]

    def _eject(self, endpoint: Endpoint, endpoints: Sequence[Endpoint], now: float) -> bool:
        out = sum(self.ejected.get(other, 0.0) > now for other in endpoints)
        if self.ejected.get(endpoint, 0.0) > now or out + 1 > self._limit(len(endpoints)):
            return False
        ejections = self._ejections.get(endpoint, (0, 0.0))[0] + 1
        until = self.ejected[endpoint] = now + self._duration(ejections)
        self._ejections[endpoint] = ejections, until
        return True

    def keep(self, endpoints: Sequence[Endpoint]) -> None:
        """Forget what is known of all other endpoints."""
        with self._lock:
            for known in (self.failing, self._ejections, self.ejected):
                for endpoint in known.keys() - set(endpoints):
                    known.pop(endpoint, None)

    def _duration(self, ejections: int) -> float:
        """Seconds that the last of so many ejections lasts (Envoy: base_ejection_time and max_ejection_time)."""
        policy = self._policy
        return min(policy.eject_for * ejections, max(policy.eject_for, policy.max_eject_for))

    def _limit(self, count: int) -> int:
        """How many of ``count`` may be ejected; one is always kept."""
        return min(int(count * self._policy.max_ejected), count - 1)
