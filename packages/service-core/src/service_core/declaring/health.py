"""Health as values: the result of a check, and the status of the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class HealthStatus(Enum):
    """The status of a check or component; the order of the values is that of severity."""

    OK = 1
    WARNING = 2
    """Still callable, but other instances are preferred."""
    ERROR = 3
    """Not to be called."""

    @property
    def http_status(self) -> int:
        """The HTTP status of a health endpoint: 200, 429 or 503.

        Consul's HTTP checks read any 2xx as passing, 429 as warning and everything else as critical.
        """
        return {HealthStatus.OK: 200, HealthStatus.WARNING: 429, HealthStatus.ERROR: 503}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check."""

    name: str
    status: HealthStatus
    details: str = ""
    """Details for operators; they may contain addresses and paths, so they are not public."""
    duration: float = 0.0
    """Seconds that the check ran."""
    age: float = 0.0
    """Seconds since the run ended; greater than zero if the result is cached."""

    def to_dict(self, *, details: bool = True) -> dict[str, Any]:
        """The result as JSON-like data, times in seconds; without ``details`` for public endpoints."""
        data: dict[str, Any] = {"name": self.name, "status": self.status.name}
        if details and self.details:
            data["details"] = self.details
        return data | {"duration": round(self.duration, 6), "age": round(self.age, 6)}


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a component or process: the worst status of its checks, or a status set directly."""

    status: HealthStatus = HealthStatus.OK
    checks: Mapping[str, CheckResult] = field(default_factory=dict)
    """The results by name; empty if the status was set directly."""

    @classmethod
    def of(cls, results: Iterable[CheckResult]) -> Health:
        """The health for these results; without results it is OK."""
        checks = {result.name: result for result in results}
        worst = max((result.status for result in checks.values()), key=_severity, default=HealthStatus.OK)
        return cls(worst, checks)

    def to_dict(self, *, details: bool = True) -> dict[str, Any]:
        """The health as JSON-like data; without ``details`` for public endpoints, since details can leak."""
        checks = [check.to_dict(details=details) for check in self.checks.values()]
        return {"status": self.status.name, "checks": checks}


HealthSource = Callable[[str], Awaitable[Health]]
"""Returns the health of a component of this process, by name. Run on any event loop."""


def _severity(status: HealthStatus) -> int:
    return status.value
