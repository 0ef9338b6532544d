"""Calls that wait for a worker thread: which one is next, and which are refused because they cannot be in time.

Nothing here waits or knows of threads; the caller provides the time and a lock.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

from service_core.dispatch.overload.service_time import ServiceTime

_STANDING: Final = 4.0
"""Seconds without an empty queue from which on it is overload and not a burst."""
_LONGEST: Final = 1.0
"""Seconds of work for the workers that may wait under overload, so that calls are in time soon after its end."""
_MARGIN: Final = 0.01
"""Seconds that a call needs besides its service time, to be sent and answered."""


class Waiting(Protocol):
    """What waits for a worker."""

    @property
    def expires_at(self) -> float:
        """The deadline on the monotonic clock; infinite for none."""
        ...

    @property
    def caller(self) -> Hashable:
        """Who calls: callers take turns."""
        ...

    @property
    def service_time(self) -> ServiceTime | None:
        """How long the method's runs take; None for what is part of a call that runs already. It is never refused."""


W = TypeVar("W", bound=Waiting)


class _Line(Generic[W]):
    """The calls of one caller to one method, in the order of their arrival."""

    __slots__ = ("calls", "work")

    def __init__(self) -> None:
        self.calls: OrderedDict[W, float] = OrderedDict()
        """With the seconds of work that each was taken for."""
        self.work = 0.0


class WaitingCalls(Generic[W]):
    """The queue in front of a number of workers.

    The calls of a caller to a method form a line, and lines take turns, so that neither a caller with many calls nor
    a slow method displaces the others. Of a line the oldest call is next, and a new one is refused that would not end
    in time behind the others. Once the queue has not been empty
    for 4 s, the newest is next: it has the most time left, while in order of arrival every call would start when its
    caller is about to give up (adaptive LIFO, as in Maurer, "Fail at Scale", 2015). Then the oldest of the longest line
    are refused until the rest is one second of work, or one call for each worker.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._lines: dict[Hashable, _Line[W]] = {}
        """By caller and method; the first one is next."""
        self._count = 0
        self._parts: deque[W] = deque()
        self._work = 0.0
        self._since = 0.0
        """When the queue was empty last."""

    def __len__(self) -> int:
        return self._count + len(self._parts)

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
        if not self._count:
            self._since = now
        if now - self._since < _STANDING:
            if self._count and now + self._wait_of(call) + time.typical + _MARGIN > call.expires_at:
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
        is_newest_next = now - self._since >= _STANDING
        while self._count:
            key, line = next(iter(self._lines.items()))
            call = next(reversed(line.calls)) if is_newest_next else next(iter(line.calls))
            self.discard(call)
            if not self._count or _can_end(call, now):
                if line.calls:  # after the other lines
                    self._lines[key] = self._lines.pop(key)
                return call, refused
            refused.append(call)
        return None, refused

    def discard(self, call: W) -> None:
        """Nothing waits for the call any more."""
        line = self._lines.get(_key(call))
        work = None if line is None else line.calls.pop(call, None)
        if line is None or work is None:
            return
        line.work -= work
        self._work -= work
        self._count -= 1
        if not line.calls:
            del self._lines[_key(call)]

    def _wait_of(self, call: W) -> float:
        """Seconds until a call that is added now is started: as many rounds as its line is long."""
        if not self._workers:
            return math.inf
        line = self._lines.get(_key(call))
        own, lines = (0, len(self._lines) + 1) if line is None else (len(line.calls), len(self._lines))
        return min(self.seconds, own * lines * self._work / self._count / self._workers)

    def _append(self, call: W, work: float) -> None:
        if not self._count:
            self._work = 0.0  # no rounding errors are left
        line = self._lines.get(_key(call))
        if line is None:
            line = self._lines[_key(call)] = _Line()
        line.calls[call] = work
        line.work += work
        self._work += work
        self._count += 1

    def _refuse_oldest(self, longest: float, now: float) -> list[W]:
        refused: list[W] = []
        while self._count > 1:
            line = max(self._lines.values(), key=_length)
            oldest = next(iter(line.calls))
            if self.seconds <= longest and _can_end(oldest, now + self.seconds):
                break
            self.discard(oldest)
            refused.append(oldest)
        return refused


def _key(call: Waiting) -> Hashable:
    return call.caller, call.service_time


def _length(line: _Line[Any]) -> int:
    return len(line.calls)


def _can_end(call: Waiting, start: float) -> bool:
    time = call.service_time
    return time is None or start + time.typical + _MARGIN <= call.expires_at
