"""Outlier ejection: an instance that fails again and again gets no calls for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from service_core.policy import Policy
from service_core.selector import Endpoint

__all__ = ["Outliers"]


class Outliers:
    """Watches over the endpoints of a channel; safe to use from several threads.

    After its ejection an endpoint is on probation: the next failure ejects it again, and for longer; a success ends it.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self.suspects: dict[Endpoint, int] = {}
        """How often in a row each has failed that has failed last; nearly always empty."""
        self.ejected: dict[Endpoint, float] = {}
        """Until when each gets no calls that was ejected; nearly always empty."""
        self._ejections: dict[Endpoint, int] = {}

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
        if endpoint not in self.suspects:
            return
        with self._lock:
            self.suspects.pop(endpoint, None)
            self.ejected.pop(endpoint, None)
            remaining = self._ejections.get(endpoint, 0) - 1
            if remaining > 0:
                self._ejections[endpoint] = remaining
            else:
                self._ejections.pop(endpoint, None)

    def failed(self, endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> bool:
        """The endpoint could not be asked or did not answer; True if it is ejected for that."""
        if self._policy.eject_after == 0:
            return False
        with self._lock:
            failures = self.suspects[endpoint] = self.suspects.get(endpoint, 0) + 1
            now = self._clock()
            out = sum(self.ejected.get(other, 0.0) > now for other in endpoints)
            if (
                failures < self._policy.eject_after
                or self.ejected.get(endpoint, 0.0) > now
                or out + 1 > self._limit(len(endpoints))
            ):
                return False
            ejections = self._ejections[endpoint] = self._ejections.get(endpoint, 0) + 1
            self.ejected[endpoint] = now + self._policy.eject_for * ejections
            return True

    def keep(self, endpoints: Sequence[Endpoint]) -> None:
        """Forget what is known of all other endpoints."""
        with self._lock:
            for known in (self.suspects, self._ejections, self.ejected):
                for endpoint in known.keys() - set(endpoints):
                    known.pop(endpoint, None)

    def _limit(self, count: int) -> int:
        """How many of ``count`` may be ejected; one is always kept."""
        return min(int(count * self._policy.max_ejected), count - 1)
