"""Waits for a socket. ``select.poll`` where there is one: ``select.select`` refuses file numbers above 1023."""

from __future__ import annotations

import select
from typing import Final

__all__ = ["Readable", "wait_until_writable"]

_HAS_POLL: Final = hasattr(select, "poll")  # not on Windows


class Readable:
    """Tells whether something can be read from a socket: data, or that it was closed."""

    __slots__ = ("_file", "_poll")

    def __init__(self, file: int) -> None:
        self._file = file
        self._poll = _poll(file, select.POLLIN) if _HAS_POLL else None

    def wait(self, seconds: float) -> bool:
        """Wait until there is something, at most that long. Whether there is."""
        if self._poll is not None:
            return bool(self._poll.poll(_milliseconds(seconds)))
        return bool(select.select([self._file], [], [], seconds)[0])

    def now(self) -> bool:
        """Whether there is something already."""
        return bool(self._poll.poll(0)) if self._poll is not None else self.wait(0)


def wait_until_writable(file: int, seconds: float) -> bool:
    """Wait until a socket takes more data, at most that long. Whether it does."""
    if _HAS_POLL:
        return bool(_poll(file, select.POLLOUT).poll(_milliseconds(seconds)))
    return bool(select.select([], [file], [], seconds)[1])


def _poll(file: int, events: int) -> select.poll:
    poll = select.poll()
    poll.register(file, events)
    return poll


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000) + 1  # rounded up, else the last millisecond would be spent in a busy loop
