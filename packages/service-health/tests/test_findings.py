"""What is concluded from the run of a check."""

from __future__ import annotations

from typing import Any

import pytest

from service_core.declaring.health import CheckResult, HealthStatus
from service_health import findings
from service_health.findings import Result
from service_health.settings import CheckSettings

SETTINGS = CheckSettings(name="db", fail_if_slower_than=1)


def result(status: HealthStatus, details: str = "") -> Result:
    found = Result("db")
    found.set_status(status, details)
    return found


def test_a_result_is_ok_until_the_check_says_otherwise() -> None:
    found = findings.ended(SETTINGS, Result("db"), None, 0.5)

    assert found == CheckResult(name="db", status=HealthStatus.OK, duration=0.5)


def test_what_a_check_says_last_counts() -> None:
    said = result(HealthStatus.ERROR, "first")
    said.set_status(HealthStatus.WARNING, "12 connections left")

    found = findings.ended(SETTINGS, said, None, 0.5)

    assert (found.status, found.details) == (HealthStatus.WARNING, "12 connections left")


def test_details_are_text_whatever_they_were() -> None:
    wrong: Any = ConnectionError("refused")

    assert result(HealthStatus.ERROR, wrong).details == "refused"


def test_a_status_is_a_health_status() -> None:
    wrong: Any = True
    with pytest.raises(TypeError, match=r"health check 'db': set_status\(\) takes a HealthStatus, not True"):
        Result("db").set_status(wrong)


def test_a_slow_check_failed_and_what_it_said_is_kept() -> None:
    found = findings.ended(SETTINGS, result(HealthStatus.OK, "primary"), None, 1.25)

    assert found.status is HealthStatus.ERROR
    assert found.details == "took 1.250 s, more than 1 s; primary"


def test_a_check_may_take_exactly_its_limit() -> None:
    assert findings.ended(SETTINGS, Result("db"), None, 1.0).status is HealthStatus.OK


def test_without_a_limit_no_check_is_slow() -> None:
    assert findings.ended(CheckSettings(name="db"), Result("db"), None, 100).status is HealthStatus.OK


def test_a_check_that_returns_another_type_is_an_error() -> None:
    found = findings.ended(SETTINGS, Result("db"), False, 0.5)

    assert found.status is HealthStatus.ERROR
    assert found.details == "returned bool; a check reports with result.set_status() and returns None"


def test_a_check_that_raises_reports_the_type_of_the_error_and_not_its_message() -> None:
    found = findings.raised(SETTINGS, ConnectionError("postgres://me:secret@db"), 0.5)

    assert (found.status, found.details) == (HealthStatus.ERROR, "raised ConnectionError")


def test_a_check_is_cut_off_at_its_timeout_but_not_before_it_is_too_slow() -> None:
    assert findings.cut_off(CheckSettings(name="db"), 5.0).details == "did not finish within 5 s"
    assert CheckSettings(name="db", timeout=5, fail_if_slower_than=8).cut_after == 8
