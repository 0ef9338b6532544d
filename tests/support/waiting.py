"""Waiting for conditions that have no event."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["PATIENCE", "eventually"]

T = TypeVar("T")

PATIENCE: Final = 40.0
"""Seconds after which something will not happen any more, even on a busy machine."""


def eventually(look: Callable[[], T], *, time_limit: float = PATIENCE) -> T:
    """Look again and again until what is seen is true; gives it. Raises TimeoutError that shows the last look."""
    deadline, pause = time.monotonic() + time_limit, 0.005
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {time_limit:g} s it is still {seen!r}")
        time.sleep(pause)
        pause = min(0.1, pause * 1.2)
    return seen
