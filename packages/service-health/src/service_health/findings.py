"""What follows from the run of a check: pure functions from what happened to a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service_core.declaring.health import CheckResult, HealthStatus
from service_health.settings import CheckSettings

__all__ = ["Result"]


@dataclass(slots=True)
class Result:
    """What a check reports with; OK until it says otherwise."""

    name: str
    status: HealthStatus = HealthStatus.OK
    details: str = ""

    def set_status(self, status: HealthStatus, details: str = "") -> None:
        """Say how it is, and what a person should know about it. The last call counts."""
        if not isinstance(status, HealthStatus):
            raise TypeError(f"health check '{self.name}': set_status() takes a HealthStatus, not {status!r}")
        self.status = status
        self.details = str(details)


def ended(settings: CheckSettings, result: Result, returned: Any, duration: float) -> CheckResult:
    """The check came to its end: what it said, unless it took too long or returned something."""
    if returned is not None:
        # It may have been meant as the answer, and told as OK it would be a lie.
        return _error(
            settings,
            f"returned {type(returned).__name__}; a check reports with result.set_status() and returns None",
            duration,
        )
    limit = settings.fail_if_slower_than
    if 0 < limit < duration:
        slow = f"took {duration:.3f} s, more than {limit:g} s"
        return _error(settings, "; ".join(filter(None, (slow, result.details))), duration)
    return CheckResult(name=settings.name, status=result.status, details=result.details, duration=duration)


def raised(settings: CheckSettings, error: BaseException, duration: float) -> CheckResult:
    """The check raised: the type of its error, but not the message, which may hold secrets."""
    return _error(settings, f"raised {type(error).__name__}", duration)


def cut_off(settings: CheckSettings, duration: float) -> CheckResult:
    """The check did not end in time."""
    return _error(settings, f"did not finish within {settings.cut_after:g} s", duration)


def still_running(settings: CheckSettings, duration: float) -> CheckResult:
    """The check was cut off before and has not returned yet, so it was not started again."""
    return _error(
        settings,
        f"still running after {duration:.1f} s, though cut off after {settings.cut_after:g} s; "
        f"it is started again once it has returned",
        duration,
    )


def _error(settings: CheckSettings, details: str, duration: float) -> CheckResult:
    return CheckResult(name=settings.name, status=HealthStatus.ERROR, details=details, duration=duration)
