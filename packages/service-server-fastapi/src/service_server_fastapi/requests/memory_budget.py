"""The memory that all requests in work may need together."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final

from service_core import ErrorCode
from service_core.wire import LARGE, Codec
from service_server_fastapi.access.rejections import UNREAD, Rejection, named

BYTES_PER_BYTE: Final = 16
"""How much memory a request needs for each byte of its body, at most, unless its values are many and small."""

_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class MemoryBudget:
    """Counts the memory that large requests may need. Safe to use from several threads.

    A request is accepted if no other large one is in progress, so one that is larger than the budget can be served.
    """

    def __init__(self, limit: int | None) -> None:
        """``limit`` in bytes; None for a quarter of what this machine, or its container, has."""
        self.limit = machine_memory() // 4 if limit is None else limit
        self.used = 0
        self.lock = threading.Lock()
        """Held while :attr:`used` changes."""

    def share(self) -> MemoryShare:
        """What one request takes of the budget; it is given back at the end of a ``with`` block."""
        return MemoryShare(self)

    def share_of(self, size: int) -> MemoryShare:
        """The share of a request whose body has arrived. Raises Rejection; a small one takes nothing."""
        share = MemoryShare(self)
        if size >= LARGE:
            share.take(size)
        return share


class MemoryShare:
    """The part of a budget that one request has taken."""

    __slots__ = ("_budget", "_has_ended", "_taken")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._taken = 0
        self._has_ended = False

    def take(self, size: int) -> None:
        """Take what so many more bytes of a body may need. Raises Rejection if the budget does not have it."""
        self._take(size * BYTES_PER_BYTE)

    def take_for_values(self, codec: Codec, body: bytes) -> None:
        """Take what the values of a body may need beyond what was taken for its bytes, before they are made.

        A body that does not need more takes nothing. Raises Rejection if the budget is spent, and if the request
        has ended meanwhile: another thread reads it, for which the answer does not wait beyond its deadline.
        """
        if len(body) >= LARGE and codec.is_dense(body):
            self._take(max(0, codec.memory(body) - BYTES_PER_BYTE * len(body)))

    def _take(self, needed: int) -> None:
        budget = self._budget
        with budget.lock:
            is_full = budget.used + needed > budget.limit and budget.used > self._taken
            if not is_full and not self._has_ended:
                budget.used += needed
                self._taken += needed
                return
        raise Rejection(
            503,
            f"the requests in work need the memory that {named('memory_budget')} allows",
            ErrorCode.UNAVAILABLE,
            headers=(("retry-after", "1"), *UNREAD),
        )

    def __enter__(self) -> MemoryShare:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._budget.lock:
            self._budget.used -= self._taken
            self._taken, self._has_ended = 0, True


def machine_memory() -> int:
    """The bytes of memory of this machine, or of the container that this process runs in."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_LIMITS:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # else "max"
            limits.append(int(text))
    return min(limits)
