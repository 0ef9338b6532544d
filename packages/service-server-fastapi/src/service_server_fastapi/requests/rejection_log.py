"""What the log says about requests that are refused: something at once, and not a line for each of a thousand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

__all__ = ["Refusals"]

logger: Final = logging.getLogger("service.server")


class Refusals:
    """Counts refused requests by the status of their answer. Used on one event loop."""

    def __init__(self, interval: float = 10.0) -> None:
        """``interval`` is the seconds between two lines."""
        self._interval = interval
        self._counts: Counter[int] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, status: int) -> None:
        """Count one; the first is told at once, further ones together."""
        self._counts[status] += 1
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if self._counts:
            told = ", ".join(f"{count} with {status}" for status, count in sorted(self._counts.items()))
            logger.warning("requests were refused: %s", told)
            self._counts.clear()
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._tell)
