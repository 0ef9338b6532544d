"""Waits for a socket. ``select.poll`` where there is one: ``select.select`` refuses file numbers above 1023."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

__all__ = ["poll_for_both", "poll_for_reading", "poll_for_writing"]

_HAS_POLL: Final = hasattr(select, "poll")  # not on Windows


def poll_for_reading(file: int) -> Callable[[int], object]:
    """A function that waits so many milliseconds for a socket to have data or to be closed; true if it has or is."""
    if not _HAS_POLL:
        return lambda milliseconds: select.select([file], [], [], milliseconds / 1000)[0]
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return poll.poll


def poll_for_writing(file: int) -> Callable[[int], object]:
    """A function that waits so many milliseconds for a socket to take data; true if it does."""
    if not _HAS_POLL:
        return lambda milliseconds: select.select([], [file], [], milliseconds / 1000)[1]
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return poll.poll


def poll_for_both(file: int) -> Callable[[int], object]:
    """A function that waits so many milliseconds for a socket to take data or to have some; true if it does."""
    if not _HAS_POLL:
        return lambda milliseconds: any(select.select([file], [file], [], milliseconds / 1000))
    poll = select.poll()
    poll.register(file, select.POLLIN | select.POLLOUT)
    return poll.poll
