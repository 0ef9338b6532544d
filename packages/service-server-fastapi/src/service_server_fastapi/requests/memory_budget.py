"""The memory that all requests in work may need together."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Final

from service_core import ErrorCode
from service_core.wire import LARGE
from service_server_fastapi.access.rejections import UNREAD, Rejection, named

__all__ = ["MemoryBudget", "MemoryShare", "machine_memory"]

BYTES_PER_BYTE: Final = 16
"""How much memory a request needs for each byte of its body, at most, until it is accepted or refused."""

_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class MemoryBudget:
    """Counts the memory that large requests may need. Used on one event loop.

    A request is accepted if no other large one is in progress, so one that is larger than the budget can be served.
    """

    def __init__(self, limit: int | None) -> None:
        """``limit`` in bytes; None for a quarter of what this machine, or its container, has."""
        self.limit = machine_memory() // 4 if limit is None else limit
        self.used = 0

    def share(self) -> MemoryShare:
        """What one request takes of the budget; it is given back at the end of a ``with`` block."""
        return MemoryShare(self)

    def share_of(self, size: int) -> AbstractContextManager[object]:
        """The share of a request whose body has arrived. Raises Refused; a small one takes nothing."""
        if size < LARGE:
            return _NO_SHARE
        share = MemoryShare(self)
        share.take(size)
        return share


_NO_SHARE: Final = nullcontext()


class MemoryShare:
    """The part of a budget that one request has taken."""

    __slots__ = ("_budget", "_taken")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._taken = 0

    def take(self, size: int) -> None:
        """Take what so many more bytes of a body may need. Raises Refused if the budget does not have it."""
        needed, budget = size * BYTES_PER_BYTE, self._budget
        if budget.used + needed > budget.limit and budget.used > self._taken:
            raise Rejection(
                503,
                f"the requests in work need the memory that {named('memory_budget')} allows",
                ErrorCode.UNAVAILABLE,
                headers=(("retry-after", "1"), *UNREAD),
            )
        budget.used += needed
        self._taken += needed

    def __enter__(self) -> MemoryShare:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.used -= self._taken
        self._taken = 0


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
