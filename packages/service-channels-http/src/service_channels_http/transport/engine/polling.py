"""Waits for a socket. ``select.poll`` where there is one: ``select.select`` refuses file numbers above 1023."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

_HAS_POLL: Final = hasattr(select, "poll")  # not on Windows


def poll_for(file: int, *, reading: bool = False, writing: bool = False) -> Callable[[int], object]:
    """A function that waits so many milliseconds for a socket; true if it has data or is closed, or takes data."""
    if not _HAS_POLL:
        read, written = [file] * reading, [file] * writing
        return lambda milliseconds: any(select.select(read, written, [], milliseconds / 1000))
    poll = select.poll()
    poll.register(file, select.POLLIN * reading | select.POLLOUT * writing)
    return poll.poll
