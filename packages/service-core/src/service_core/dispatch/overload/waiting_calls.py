"""Calls that wait for a worker thread: which one is next, and which are refused because they cannot be in time.

Nothing here waits or knows of threads; the caller provides the time and a lock.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import Final, Generic, Protocol, TypeVar

from service_core.dispatch.overload.service_time import ServiceTime

__all__ = ["Overloaded", "Waiting", "WaitingCalls"]

_STANDING: Final = 4.0
"""Seconds without an empty queue from which on it is overload and not a burst."""
_LONGEST: Final = 1.0
"""Seconds of work for the workers that may wait under overload, so that calls are in time soon after its end."""
_MARGIN: Final = 0.01
"""Seconds that a call needs besides its service time, to be sent and answered."""


class Overloaded(Exception):
    """The call is not started, because it cannot end before its deadline, or newer ones come first."""

    def __init__(self, retry_after: float) -> None:
        """``retry_after``: seconds until the workers have done what waits now."""
        super().__init__()
        self.retry_after = retry_after


class Waiting(Protocol):
    """What waits for a worker."""

    @property
    def expires_at(self) -> float:
        """The deadline on the monotonic clock; infinite for none."""
        ...

    @property
    def service_time(self) -> ServiceTime | None:
        """How long the method's runs take; None for what is part of a call that runs already. It is never refused."""


W = TypeVar("W", bound=Waiting)


class WaitingCalls(Generic[W]):
    """The queue in front of a number of workers.

    The oldest call is next, and a new one is refused that would not end in time behind the others. Once the queue has
    not been empty for 4 s, the newest is next: it has the most time left, while in order of arrival every call would
    start when its caller is about to give up (adaptive LIFO, as in Maurer, "Fail at Scale", 2015). Then the oldest
    are refused until the rest is one second of work, or one call for each worker.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._calls: OrderedDict[W, float] = OrderedDict()
        """The calls in the order of their arrival, with the seconds of work that each was taken for."""
        self._parts: deque[W] = deque()
        self._work = 0.0
        self._since = 0.0
        """When the queue was empty last."""

    def __len__(self) -> int:
        return len(self._calls) + len(self._parts)

    @property
    def seconds(self) -> float:
        """How long the workers need for the calls that wait."""
        return self._work / self._workers if self._workers else math.inf

    def add(self, call: W, now: float) -> list[W]:
        """Let a call wait; returns those that are refused, which do not wait any more."""
        time = call.service_time
        if time is None:
            self._parts.append(call)
            return []
        if not self._calls:
            self._since = now
        if now - self._since < _STANDING:
            if now + self.seconds + time.typical + _MARGIN > call.expires_at and self._calls:
                return [call]
            self._append(call, time.mean)
            return []
        self._append(call, time.mean)
        return self._refuse_oldest(max(_LONGEST, time.mean), now)

    def take(self, now: float) -> tuple[W | None, list[W]]:
        """The call that is next, None if none waits, and those that are refused instead of being started too late."""
        if self._parts:
            return self._parts.popleft(), []
        refused: list[W] = []
        newest = now - self._since >= _STANDING
        while self._calls:
            call, work = self._calls.popitem(last=newest)
            self._work -= work
            if not self._calls or _can_end(call, now):
                return call, refused
            refused.append(call)
        return None, refused

    def discard(self, call: W) -> None:
        """Nothing waits for the call any more."""
        work = self._calls.pop(call, None)
        if work is not None:
            self._work -= work

    def _append(self, call: W, work: float) -> None:
        if not self._calls:
            self._work = 0.0  # no rounding errors are left
        self._calls[call] = work
        self._work += work

    def _refuse_oldest(self, longest: float, now: float) -> list[W]:
        refused: list[W] = []
        while len(self._calls) > 1:
            oldest = next(iter(self._calls))
            if self.seconds <= longest and _can_end(oldest, now + self.seconds):
                break
            self.discard(oldest)
            refused.append(oldest)
        return refused


def _can_end(call: Waiting, start: float) -> bool:
    time = call.service_time
    return time is None or start + time.typical + _MARGIN <= call.expires_at
