"""The rules for blocking queries, as Consul's page "Blocking Queries" states them. Pure: time is an argument."""

from __future__ import annotations

import random
from typing import Final

BURST: Final = 2
"""Answers that are processed without delay."""
REFILL: Final = 0.5
"""Seconds between answers after that."""
FIRST_DELAY: Final = 0.25
MAX_DELAY: Final = 10.0


def parse_index(header: str | None) -> int:
    """The index of an answer, at least 1. Raises ValueError for a value that is not an index.

    Consul guarantees an index greater than zero; with zero the next query would not block.
    """
    if header is None:
        raise ValueError("no X-Consul-Index")
    if not (header.isascii() and header.isdigit() and len(header) <= 20):
        raise ValueError(f"X-Consul-Index {header[:40]!r}")
    return max(1, int(header))


def next_index(previous: int, answered: int) -> int:
    """The index for the next query: the answered one, or 0, start over, if it went backwards."""
    return answered if answered >= previous else 0


class TokenBucket:
    """Permits a few answers at once and then one per interval, so that a busy Consul is not queried in a loop."""

    def __init__(self, burst: int = BURST, refill: float = REFILL) -> None:
        self._burst = burst
        self._refill = refill
        self._tokens = float(burst)
        self._seen: float | None = None

    def take(self, now: float) -> float:
        """Take a token at ``now``, in seconds of a clock that only goes forward; seconds to wait until it is there."""
        if self._seen is not None:
            refilled = (now - self._seen) / self._refill if self._refill else self._burst
            self._tokens = min(self._burst, self._tokens + refilled)
        self._seen = now
        self._tokens -= 1
        return max(0.0, -self._tokens * self._refill)


def backoff(failures: int, longest: float = MAX_DELAY) -> float:
    """Seconds to wait after that many failures in a row: doubled each time, up to ``longest``.

    A random part of up to a half is subtracted, so that many processes do not reconnect at the same moment.
    """
    delay = min(longest, FIRST_DELAY * 2.0 ** min(failures - 1, 30))
    return delay * jitter(0.5, 1.0)


def jitter(least: float, most: float) -> float:
    """A random number between the two, that spreads load.

    It comes from the operating system: processes with equal seeds of ``random`` must not act at the same moment either,
    and their own random numbers must not change.
    """
    return random.SystemRandom().uniform(least, most)
