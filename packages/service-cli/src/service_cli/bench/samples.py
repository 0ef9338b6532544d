"""What was measured: latencies, when, and errors."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PERCENTILES = (50.0, 75.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Calls whose latency lies in a range."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Calls that ended in a span of time."""

    count: int
    p99: float
    """Seconds; 0 without calls."""


@dataclass(slots=True, kw_only=True)
class Samples:
    """The calls of one run. Used by one thread."""

    ended: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from the begin of the run to the end of each successful call."""
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds of each successful call."""
    errors: Counter[str] = field(default_factory=Counter)
    """Failed calls by the name of their error."""
    seconds: float = 0.0
    """How long the run took."""

    def add(self, ended: float, latency: float) -> None:
        """Note a successful call."""
        self.ended.append(ended)
        self.latencies.append(latency)

    @property
    def count(self) -> int:
        """How many calls succeeded."""
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        """How many calls succeeded per second."""
        return self.count / self.seconds if self.seconds else 0.0

    def percentiles(self) -> dict[float, float]:
        """Latency by percentile, the largest as 100."""
        ordered = sorted(self.latencies)
        return {rank: percentile(ordered, rank) for rank in (*PERCENTILES, 100.0)} if ordered else {}

    def histogram(self, buckets: int = 16) -> list[Bucket]:
        """Calls by latency in ranges that grow by a constant factor, from the least to the largest."""
        if not self.count:
            return []
        low, high = min(self.latencies), max(self.latencies)
        factor = (high / low) ** (1 / buckets) if high > low > 0 else 2.0
        counts = Counter(
            min(buckets - 1, int(math.log(latency / low, factor))) if latency > low else 0 for latency in self.latencies
        )
        return [
            Bucket(low=low * factor**index, high=low * factor ** (index + 1), count=counts[index])
            for index in range(buckets)
        ]

    def slices(self, number: int) -> list[Slice]:
        """The run in spans of equal length."""
        spans: list[list[float]] = [[] for _ in range(number)]
        width = (self.seconds or 1.0) / number
        for ended, latency in zip(self.ended, self.latencies, strict=True):
            spans[min(number - 1, int(ended / width))].append(latency)
        return [Slice(count=len(span), p99=percentile(sorted(span), 99.0) if span else 0.0) for span in spans]


def percentile(ordered: Sequence[float], rank: float) -> float:
    """The least of the ordered values that ``rank`` percent do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)]
