"""Events of calls, for counting, logging and tracing."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

logger: Final = logging.getLogger("service.events")


class CallEventKind(Enum):
    """What has happened."""

    ANSWERED = "answered"
    """An instance has answered; the answer may be an error of the implementation."""
    FAILED = "failed"
    """An instance could not be reached, or its answer was lost."""
    ABANDONED = "abandoned"
    """The attempt is not awaited any more: the call was cancelled, its deadline passed, or another attempt of it was
    answered."""
    RETRIED = "retried"
    """The call goes on to another attempt."""
    HEDGED = "hedged"
    """The call takes long and goes to another instance as well; the event is of the attempt that is not answered."""
    THROTTLED = "throttled"
    """The call is not sent at all, since all instances are overloaded; the event has no address."""
    BUDGET_EXHAUSTED = "budget_exhausted"
    """Another attempt would have been made, but the retry budget is spent."""
    EJECTED = "ejected"
    """An instance receives no calls for some time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that has happened to a call."""

    kind: CallEventKind
    component: str
    channel: str
    method: str
    """``Class.method`` of the interface."""
    url: str
    """The instance."""
    attempt: int
    """Which attempt of the call it was, from 1."""
    duration: float
    """Seconds that the attempt took."""
    correlation_id: str = ""
    """The id under which all participants log the call."""
    error: BaseException | None = None


CallObserver = Callable[[CallEvent], None]
"""Receives events, in the thread or task that makes the call; must be quick."""

attempt_observers: Final[list[CallObserver]] = []
"""Those of all calls that this process makes. Read them here; ``service_core.observing`` changes them."""


class CallObservers(tuple[CallObserver, ...]):
    """The observers of all calls that an environment makes, returned by a ``@create`` method of a module."""

    __slots__ = ()


def notify(observers: Sequence[CallObserver], event: CallEvent) -> None:
    """Give the event to all observers. An error of one is logged, and affects neither the call nor the others."""
    for observer in observers:
        try:
            observer(event)
        except Exception:
            logger.exception("a call observer failed at %s", event.kind.value)


class CallCounters:
    """An observer that counts events, by component, method and kind. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def __call__(self, event: CallEvent) -> None:
        """Count the event."""
        with self._lock:
            self._counts[event.component, event.method, event.kind.value] += 1

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many events there were so far, by ``(component, method, kind)``."""
        with self._lock:
            return dict(self._counts)

    def total(self, kind: CallEventKind) -> int:
        """How many events of a kind there were so far."""
        with self._lock:
            return sum(count for (_, _, name), count in self._counts.items() if name == kind.value)
