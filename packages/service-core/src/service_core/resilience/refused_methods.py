"""Which instances have refused a method because their interface differs from the caller's.

While versions are mixed, one instance may lack a method that another has. An instance that has refused a method is
chosen last for it: for 60 seconds, or until the registry reports the instance anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from service_core.declaring.descriptors import MethodDescriptor
from service_core.resilience.selectors import Endpoint

AVOID_FOR: Final = 60.0
"""Seconds for which an instance is chosen last for a method that it has refused."""


class RefusedMethods:
    """The refusals of one channel's instances. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.until: dict[tuple[MethodDescriptor, Endpoint], float] = {}
        """When each is forgotten; empty while there are none."""

    def add(self, method: MethodDescriptor, endpoint: Endpoint) -> None:
        """Record that the instance has refused the method now."""
        with self._lock:
            self.until[method, endpoint] = self._clock() + AVOID_FOR

    def without_refusal(
        self, method: MethodDescriptor, endpoints: Sequence[Endpoint], tried: Collection[Endpoint] = ()
    ) -> Sequence[Endpoint]:
        """The instances that have not refused the method lately, without those that were tried."""
        now = self._clock()
        return [one for one in endpoints if one not in tried and self.until.get((method, one), 0.0) <= now]

    def keep(self, endpoints: Collection[Endpoint]) -> None:
        """Forget what other instances have refused, and what was refused long ago."""
        now = self._clock()
        with self._lock:
            self.until = {key: until for key, until in self.until.items() if key[1] in endpoints and until > now}
