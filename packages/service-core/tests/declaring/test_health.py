"""Health as values."""

from __future__ import annotations

import pytest

from service_core.declaring.health import CheckResult, Health, HealthStatus

OK = CheckResult(name="loop", status=HealthStatus.OK, duration=0.0123456789)
WARNING = CheckResult(name="disk", status=HealthStatus.WARNING, details="/data: 7 %", duration=0.5, age=3.0)
ERROR = CheckResult(name="db", status=HealthStatus.ERROR, details="10.0.0.7:5432")


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([], HealthStatus.OK),
        ([OK], HealthStatus.OK),
        ([OK, WARNING], HealthStatus.WARNING),
        ([WARNING, ERROR, OK], HealthStatus.ERROR),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_part(results: list[CheckResult], status: HealthStatus) -> None:
    assert Health.of(results) == Health(status, {result.name: result for result in results})


@pytest.mark.parametrize(
    ("status", "code"), [(HealthStatus.OK, 200), (HealthStatus.WARNING, 429), (HealthStatus.ERROR, 503)]
)
def test_a_status_has_an_http_status(status: HealthStatus, code: int) -> None:
    assert status.http_status == code


def test_health_is_json_like_data_and_empty_details_are_left_out() -> None:
    assert Health.of([OK, WARNING]).to_dict() == {
        "status": "WARNING",
        "checks": [
            {"name": "loop", "status": "OK", "duration": 0.012346, "age": 0.0},
            {"name": "disk", "status": "WARNING", "details": "/data: 7 %", "duration": 0.5, "age": 3.0},
        ],
    }


def test_details_are_not_sent_by_default() -> None:
    assert Health.of([ERROR]).to_dict(details=False) == {
        "status": "ERROR",
        "checks": [{"name": "db", "status": "ERROR", "duration": 0.0, "age": 0.0}],
    }
