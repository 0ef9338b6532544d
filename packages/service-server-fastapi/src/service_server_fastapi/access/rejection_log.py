"""The log of refused requests: each at DEBUG under its correlation id, their numbers at INFO every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

from service_core.dispatch import Response

logger: Final = logging.getLogger("service.server")


class RejectionLog:
    """Logs refused requests and counts them by the status of their answer. Used on one event loop."""

    def __init__(self, interval: float = 10.0) -> None:
        """``interval`` is the number of seconds between two lines with counts."""
        self._interval = interval
        self._counts: Counter[int] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, answer: Response) -> None:
        """Log the answer to a refused request; the first one is counted at once, further ones together."""
        error = answer.error
        reason, correlation_id = ("", None) if error is None else (error.message, error.correlation_id)
        self.write(answer.status, reason, correlation_id)

    def write(self, status: int, reason: str, correlation_id: str | None = None) -> None:
        """Log a refused request of which no more is known than this."""
        extra = {"correlation_id": correlation_id}
        logger.debug("refused with %d (correlation id %s): %s", status, correlation_id, reason, extra=extra)
        self._counts[status] += 1
        if self._timer is None:
            self._write()

    def _write(self) -> None:
        self._timer = None
        if self._counts:
            counts = ", ".join(f"{count} with {status}" for status, count in sorted(self._counts.items()))
            logger.info("requests were refused: %s (the level DEBUG shows each)", counts)
            self._counts.clear()
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._write)
