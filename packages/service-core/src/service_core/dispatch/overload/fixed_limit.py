"""Methods of which only so many may run at once, by ``@max_concurrency``."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Protocol

from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.overload.shares import Shares


class MethodLimit(Protocol):
    """How many calls of a method may run at once. Used where the calls of the method begin and end."""

    def enter(self, caller: Hashable, now: float, expires_at: float) -> None:
        """Count a call that is made now, until :meth:`leave`. Raises Overloaded."""
        ...

    def leave(self, caller: Hashable, entered: float, *, in_time: bool = True) -> None:
        """The call that was counted at ``entered`` has ended; ``in_time`` is false if it was cancelled."""
        ...

    def view(self) -> dict[str, object]:
        """The state, as JSON-like data."""
        ...


class FixedLimit:
    """A number of calls. A call counts while it waits for a worker, too, and until it has ended.

    While another caller is refused none has more than its share of the places. Safe to use from several threads.
    """

    __slots__ = ("_lock", "_most", "_refused", "_running", "_shares")

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0
        self._refused = 0
        self._shares = Shares()
        self._lock = threading.Lock()

    def enter(self, caller: Hashable, now: float, expires_at: float) -> None:
        """See :class:`MethodLimit`."""
        del expires_at
        with self._lock:
            if self._running >= self._most or self._shares.exceeds(caller, self._most, now):
                self._refused += 1
                self._shares.refuse(caller, now)
                raise Overloaded(1.0, "the server has as many calls of the method in progress as it may")
            self._running += 1
            if caller is not None:
                self._shares.take(caller)

    def leave(self, caller: Hashable, entered: float, *, in_time: bool = True) -> None:
        """See :class:`MethodLimit`."""
        del entered, in_time
        with self._lock:
            self._running -= 1
            if caller is not None:
                self._shares.give_back(caller)

    def view(self) -> dict[str, object]:
        """See :class:`MethodLimit`."""
        return {"running": self._running, "limit": self._most, "refused": self._refused}
