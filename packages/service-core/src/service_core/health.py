"""Health as values: what a check found, and what follows for the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["CheckResult", "Health", "HealthStatus"]


class HealthStatus(Enum):
    """How well something is; the order of severity is that of the values."""

    OK = 1
    WARNING = 2
    """Still callable, but others are preferred."""
    ERROR = 3
    """Not to be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found."""

    name: str
    status: HealthStatus
    details: str = ""
    duration: float = 0.0
    """Seconds that the check ran."""
    age: float = 0.0
    """Seconds since it ran; greater than zero if the result was cached."""

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-like data."""
        return {
            "name": self.name,
            "status": self.status.name,
            "details": self.details,
            "duration": self.duration,
            "age": self.age,
        }


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a component or process: the worst status of its checks, or one given by hand."""

    status: HealthStatus = HealthStatus.OK
    checks: Mapping[str, CheckResult] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Mapping[str, CheckResult]) -> Health:
        """The whole that follows from its parts; no checks at all is OK."""
        worst = max((result.status for result in results.values()), key=_severity, default=HealthStatus.OK)
        return cls(worst, dict(results))

    def to_dict(self) -> dict[str, Any]:
        """The health as JSON-like data."""
        return {"status": self.status.name, "checks": [check.to_dict() for check in self.checks.values()]}


def _severity(status: HealthStatus) -> int:
    return status.value
