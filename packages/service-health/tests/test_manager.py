"""Groups, names, and the ways to ask."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from service_core.declaring.health import Health
from service_core.errors import ErrorCode, LocalServiceException
from service_health import HealthCheckManager, HealthStatus, health_check, health_checks
from service_health.findings import Result


@health_checks()
class Checks:
    """One check of each group, the readiness by default."""

    @health_check(group="liveness")
    async def stuck(self, result: HealthCheckManager.Result) -> None:
        """Fine."""

    @health_check(name="database")
    def connect(self, result: HealthCheckManager.Result) -> None:
        """Not so fine."""
        result.set_status(HealthStatus.WARNING, "slow")


async def test_the_example_of_the_seed_runs_by_hand() -> None:
    @health_checks()
    class Checks:
        def __init__(self) -> None:
            pass

        @health_check(fail_if_slower_than=1)
        def check_performance(self, result: HealthCheckManager.Result) -> None:
            """Should be done in under a second."""

        @health_check(name="check", cache=10)
        def check(self, result: HealthCheckManager.Result) -> None:
            ok = False
            result.set_status(HealthStatus.OK if ok else HealthStatus.ERROR)

    health = await HealthCheckManager(Checks()).check()

    assert health.status is HealthStatus.ERROR
    assert {name: result.status for name, result in health.checks.items()} == {
        "check_performance": HealthStatus.OK,
        "check": HealthStatus.ERROR,
    }


def test_health_can_be_said_without_any_check() -> None:
    assert HealthCheckManager.Health(HealthStatus.WARNING).status is HealthStatus.WARNING


async def test_all_checks_report_in_the_order_in_which_they_were_added_and_the_worst_counts() -> None:
    manager = HealthCheckManager(Checks())
    manager.add_check(lambda result: None, name="last")
    health = await manager.check()

    assert list(health.checks) == ["stuck", "database", "last"]
    assert health.status is HealthStatus.WARNING


@pytest.mark.parametrize(
    ("group", "checks"),
    [("liveness", ["stuck"]), ("readiness", ["database"]), ("database", ["database"]), ("stuck", ["stuck"])],
)
async def test_a_group_is_liveness_or_readiness_or_one_check(group: str, checks: list[str]) -> None:
    assert list((await HealthCheckManager(Checks()).check(group)).checks) == checks


async def test_no_check_at_all_is_ok() -> None:
    assert (await HealthCheckManager().check()).status is HealthStatus.OK
    assert (await HealthCheckManager().check("liveness")).status is HealthStatus.OK


async def test_an_unknown_group_is_not_found() -> None:
    with pytest.raises(LocalServiceException) as refused:
        await HealthCheckManager(Checks()).check("databse")

    assert refused.value.code is ErrorCode.NOT_FOUND
    assert str(refused.value) == (
        "there is no health check or group 'databse'; there are liveness, readiness, stuck, database"
    )


def test_a_thread_runs_sync_and_async_checks() -> None:
    health = HealthCheckManager(Checks()).check_sync()

    assert {name: result.status for name, result in health.checks.items()} == {
        "stuck": HealthStatus.OK,
        "database": HealthStatus.WARNING,
    }


def test_a_thread_gets_an_error_for_an_unknown_group() -> None:
    with pytest.raises(LocalServiceException, match="there is no health check or group 'x'"):
        HealthCheckManager().check_sync("x")


async def test_a_loop_is_not_blocked_by_the_form_for_threads() -> None:
    with pytest.raises(RuntimeError, match=r"would block the event loop; use 'await check\(\)' here"):
        HealthCheckManager(Checks()).check_sync()


def test_a_thread_that_cannot_have_a_loop_gets_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def new_event_loop() -> asyncio.AbstractEventLoop:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio.events, "new_event_loop", new_event_loop)
    with pytest.raises(OSError, match="Too many open files"):
        HealthCheckManager(Checks()).check_sync()


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that are switched as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless")
def test_checks_can_be_added_by_several_threads_while_others_ask() -> None:
    manager = HealthCheckManager()
    names = [f"check-{number}" for number in range(40)]
    together = threading.Barrier(5)

    def add(some: list[str]) -> None:
        together.wait(10)
        for name in some:
            manager.add_check(lambda result: None, name=name)

    adding = [threading.Thread(target=add, args=[names[start::4]]) for start in range(4)]
    for thread in adding:
        thread.start()
    together.wait(10)
    while any(thread.is_alive() for thread in adding):
        assert manager.check_sync().status is HealthStatus.OK
    assert sorted(manager.check_sync().checks) == sorted(names)


def test_the_classes_of_results_are_attributes_of_the_manager() -> None:
    assert HealthCheckManager.Health is Health
    assert HealthCheckManager.Result is Result
