"""Whether Consul answers: kept for the registry's status, and logged at a limited rate during a long outage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

logger: Final = logging.getLogger("service.registry.consul")

FIRST_LOG_INTERVAL: Final = 10.0
"""Seconds after which a lasting failure is logged again; doubled each time, up to the following."""
MAX_LOG_INTERVAL: Final = 600.0
MAX_KINDS: Final = 8
"""Different failures that are logged before they count as one of those intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsulStatus:
    """The state of a registry's connection with Consul."""

    connected: bool
    """Whether Consul answered, and no source fails at the moment."""
    last_error: str | None
    """The last failure, None if there was none."""
    last_contact_age: float | None
    """Seconds since an answer, None if there was none. An idle watch answers once per ``wait``."""
    watched: tuple[str, ...]
    """The components that are watched."""
    stale: tuple[str, ...]
    """Those of them whose addresses are the last known good ones, because Consul did not confirm them."""
    registered: tuple[str, ...]
    """The components of this process that are registered in Consul."""
    processes: Mapping[str, tuple[int, ...]]
    """The processes of this machine that keep each registration of this one, by its id: the workers on one port."""


class Connectivity:
    """Collects successes and failures from several threads; a source is one repeated query."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}
        self._last_error: str | None = None
        self._last_answer: float | None = None
        self._logged: set[str] = set()
        self._log_again_at = 0.0
        self._log_interval = FIRST_LOG_INTERVAL

    def answered(self, source: str) -> None:
        """Record that the query of ``source`` was answered."""
        with self._lock:
            self._last_answer = self._clock()
            if self._failing.pop(source, None) is None or self._failing:
                return
            self._logged.clear()
            self._log_interval = FIRST_LOG_INTERVAL
        logger.info("Consul answers again")

    def failed(self, source: str, error: str) -> None:
        """Record that the query of ``source`` failed. Logged if it is new, and then at growing intervals."""
        with self._lock:
            self._failing[source] = error
            self._last_error = error
            if not self._should_log(error, self._clock()):
                return
        logger.warning("%s", error, extra={"source": source})

    def _should_log(self, error: str, now: float) -> bool:
        if self._logged and now >= self._log_again_at:
            self._logged.clear()
            self._log_interval = min(MAX_LOG_INTERVAL, self._log_interval * 2)
        if error in self._logged or len(self._logged) >= MAX_KINDS:
            return False
        if not self._logged:
            self._log_again_at = now + self._log_interval
        self._logged.add(error)
        return True

    @property
    def failure(self) -> str | None:
        """The current failure, None if there is none."""
        with self._lock:
            return next(iter(self._failing.values()), None)

    def status(
        self,
        *,
        watched: tuple[str, ...],
        stale: tuple[str, ...],
        registered: tuple[str, ...],
        processes: Mapping[str, tuple[int, ...]],
    ) -> ConsulStatus:
        """The current state, with the values that other parts provide."""
        with self._lock:
            age = None if self._last_answer is None else self._clock() - self._last_answer
            return ConsulStatus(
                connected=age is not None and not self._failing,
                last_error=self._last_error,
                last_contact_age=age,
                watched=watched,
                stale=stale,
                registered=registered,
                processes=processes,
            )
