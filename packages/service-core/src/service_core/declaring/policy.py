"""How much a client does for a call to succeed: time, attempts, and whom it avoids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from service_core.context import DEFAULT_TIMEOUT

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Set for all components of a manager, for one component, or for one method; the closest one counts.

    A failure before anything was sent is tried again on another instance; a later one only if the method is
    idempotent. Retries are limited by a budget, so that an outage of all instances is not made worse.
    """

    timeout: float | None = DEFAULT_TIMEOUT
    """Seconds for a call, all attempts together, unless a block of ``deadline(...)`` or an outer call says otherwise;
    None for no limit."""
    max_attempts: int = 3
    """How often one call is sent at most."""
    retry_ratio: float = 0.2
    """Retries per call, on average over ten seconds (Finagle's RetryBudget has the same figures)."""
    retry_reserve: float = 10.0
    """Retries per second that are allowed however few calls there are."""
    backoff: float = 0.05
    """Seconds within which a random pause lies before instances are asked again that have failed in this call; doubled
    every time (full jitter)."""
    max_backoff: float = 1.0
    """The longest of these pauses, in seconds."""
    eject_after: int = 5
    """Failures in a row after which an instance gets no calls for a while; 0 for never (Envoy's outlier detection has
    the same figures)."""
    eject_for: float = 30.0
    """Seconds for which it gets none, times the number of its ejections in short order."""
    max_eject_for: float = 300.0
    """The longest ejection, in seconds, unless ``eject_for`` is longer."""
    max_ejected: float = 0.5
    """The share of instances that may be ejected at once; if more are out, all get calls."""

    def __post_init__(self) -> None:
        wrong = next((name for name, low, high in _RANGES if not _within(getattr(self, name), low, high)), None)
        if wrong is not None:
            low, high = next((low, high) for name, low, high in _RANGES if name == wrong)
            raise ValueError(f"Policy({wrong}={getattr(self, wrong)!r}) must be between {low:g} and {high:g}")

    @classmethod
    def none(cls, *, timeout: float | None = DEFAULT_TIMEOUT) -> Self:
        """One attempt and nobody avoided: for those who have a mesh that does it."""
        return cls(timeout=timeout, max_attempts=1, retry_reserve=0.0, retry_ratio=0.0, eject_after=0)


_RANGES = (
    ("timeout", 0.0, float("inf")),
    ("max_attempts", 1, 100),
    ("retry_ratio", 0.0, 1.0),
    ("retry_reserve", 0.0, 1e6),
    ("backoff", 0.0, 60.0),
    ("max_backoff", 0.0, 60.0),
    ("eject_after", 0, 1000),
    ("eject_for", 0.0, 3600.0),
    ("max_eject_for", 0.0, 86400.0),
    ("max_ejected", 0.0, 1.0),
)


def _within(value: float | None, low: float, high: float) -> bool:
    return value is None or low <= value <= high
