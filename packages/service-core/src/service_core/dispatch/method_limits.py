"""Methods of which only so many may run at once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Busy", "limited"]


class Busy(Exception):
    """As many calls of the method run as may; another instance may have room."""


def limited(method: Callable[..., Any], limit: int, *, is_async: bool) -> Callable[..., Any]:
    """The method, which raises Busy if it would run more than ``limit`` times at once. Safe in threads and loops.

    A call counts from its start to its end, also that of a ``def`` method for which nobody waits any more.
    """
    slots = threading.BoundedSemaphore(limit)

    @functools.wraps(method)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not slots.acquire(blocking=False):
            raise Busy
        try:
            return method(*args, **kwargs)
        finally:
            slots.release()

    @functools.wraps(method)
    async def run_async(*args: Any, **kwargs: Any) -> Any:
        if not slots.acquire(blocking=False):
            raise Busy
        try:
            return await method(*args, **kwargs)
        finally:
            slots.release()

    return run_async if is_async else run
