"""From the run of a check to its result. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service_core import CheckResult, HealthStatus
from service_health.settings import CheckSettings


@dataclass(slots=True)
class Result:
    """The object with which a check reports; its status is OK until it sets another."""

    name: str
    status: HealthStatus = HealthStatus.OK
    details: str = ""

    def set_status(self, status: HealthStatus, details: str = "") -> None:
        """Set the status, and details for an operator. The last call counts."""
        if not isinstance(status, HealthStatus):
            raise TypeError(f"health check '{self.name}': set_status() takes a HealthStatus, not {status!r}")
        self.status = status
        self.details = str(details)


def ended(settings: CheckSettings, result: Result, returned: Any, duration: float) -> CheckResult:
    """The result of a check that ended: what it set, unless it took too long or returned a value."""
    if returned is not None:
        # The value may have been meant as the result, so OK could be wrong.
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
    """The result of a check that did not end in time."""
    return _error(settings, f"did not finish within {settings.cut_after:g} s", duration)


def still_running(settings: CheckSettings, duration: float) -> CheckResult:
    """The result of a check that was abandoned and has not returned yet, so that it is not started again."""
    return _error(
        settings,
        f"still running after {duration:.1f} s, though abandoned after {settings.cut_after:g} s; "
        f"it is started again once it has returned",
        duration,
    )


def _error(settings: CheckSettings, details: str, duration: float) -> CheckResult:
    return CheckResult(name=settings.name, status=HealthStatus.ERROR, details=details, duration=duration)
