"""Processor time per call, of this process and of servers. Standard library only; Linux.

The clock of a busy machine swings by half; the time that the scheduler has given to the threads of the processes
(``/proc/PID/task/*/schedstat``) repeats within some per cent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

__all__ = ["spent", "spent_async"]

_WARM = 30
"""Calls before each measurement."""


def spent(call: Callable[[], object], calls: int, servers: Iterable[int]) -> dict[str, float]:
    """Microseconds per call, one call after the other."""
    for _ in range(_WARM):
        call()
    before = _now(servers)
    for _ in range(calls):
        call()
    return _per_call(before, _now(servers), calls)


async def spent_async(
    call: Callable[[], Awaitable[object]], calls: int, width: int, servers: Iterable[int]
) -> dict[str, float]:
    """As :func:`spent`, with ``width`` calls at once."""

    async def some(number: int) -> None:
        for _ in range(number):
            await call()

    await asyncio.gather(*(some(max(1, _WARM // width)) for _ in range(width)))
    before = _now(servers)
    each = max(1, calls // width)
    await asyncio.gather(*(some(each) for _ in range(width)))
    return _per_call(before, _now(servers), each * width)


def _now(servers: Iterable[int]) -> tuple[int, int]:
    return _nanoseconds(os.getpid()), sum(map(_nanoseconds, servers))


def _per_call(before: tuple[int, int], after: tuple[int, int], calls: int) -> dict[str, float]:
    client, server = ((end - begin) / calls / 1000 for begin, end in zip(before, after, strict=True))
    return {"value": client + server, "client": client, "server": server}


def _nanoseconds(process: int) -> int:
    """The time of all threads of a process."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{process}/task").glob("*/schedstat"))
