"""The names that users may rely on."""

from __future__ import annotations

import service_health
from service_core.declaring.health import Health
from service_health import checks
from service_health.findings import Result


def test_the_package_exports_exactly_this() -> None:
    assert set(service_health.__all__) == {
        "HealthCheckManager",
        "HealthModule",
        "HealthStatus",
        "health_check",
        "health_checks",
    }
    assert all(hasattr(service_health, name) for name in service_health.__all__)


def test_the_ready_made_checks_are_exactly_these() -> None:
    assert set(checks.__all__) == {
        "ComponentReachable",
        "DiskSpace",
        "EventLoopLag",
        "HttpReachable",
        "TcpReachable",
    }


def test_nested_names_are_aliases() -> None:
    assert service_health.HealthCheckManager.Health is Health
    assert service_health.HealthCheckManager.Result is Result
