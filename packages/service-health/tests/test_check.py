"""How a run of a check is reported: cached, slow, raised; and where it runs."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core.context import current_deadline, deadline
from service_health import HealthCheckManager, HealthStatus

Result = HealthCheckManager.Result


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# where it runs


async def test_a_sync_check_runs_in_a_thread_and_an_async_one_on_the_loop() -> None:
    ran_in: dict[str, int] = {}

    def sync(result: Result) -> None:
        ran_in[result.name] = threading.get_ident()

    async def on_loop(result: Result) -> None:
        ran_in[result.name] = threading.get_ident()

    manager = HealthCheckManager()
    manager.add_check(sync)
    manager.add_check(on_loop)
    await manager.check()

    assert ran_in["sync"] != threading.get_ident()
    assert ran_in["on_loop"] == threading.get_ident()


async def test_sync_checks_do_not_wait_for_the_threads_of_the_loop() -> None:
    loop, blocked, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def block() -> None:
        loop.call_soon_threadsafe(blocked.set)
        go_on.wait(10)

    loop.set_default_executor(ThreadPoolExecutor(1))
    blocking = asyncio.create_task(asyncio.to_thread(block))
    manager = HealthCheckManager()
    manager.add_check(lambda result: result.set_status(HealthStatus.WARNING), name="disk")

    await blocked.wait()
    assert (await manager.check()).status is HealthStatus.WARNING
    go_on.set()
    await blocking


async def test_partial_functions_and_callable_objects_are_checks() -> None:
    async def on_loop(status: HealthStatus, result: Result) -> None:
        result.set_status(status)

    class Probe:
        async def __call__(self, result: Result) -> None:
            result.set_status(HealthStatus.WARNING)

    manager = HealthCheckManager(clock=Clock())
    manager.add_check(functools.partial(on_loop, HealthStatus.WARNING), name="partial")
    manager.add_check(Probe())

    checks = (await manager.check()).checks
    assert {name: check.status for name, check in checks.items()} == {
        "partial": HealthStatus.WARNING,
        "Probe": HealthStatus.WARNING,
    }


async def test_calls_of_a_check_end_with_its_timeout_and_not_with_that_of_the_request() -> None:
    left: dict[str, float] = {}

    def look(result: Result) -> None:
        limit = current_deadline()
        left[result.name] = limit.remaining if limit else float("inf")

    async def look_async(result: Result) -> None:
        look(result)

    manager = HealthCheckManager()
    manager.add_check(look, timeout=1000)
    manager.add_check(look_async, timeout=1000)
    with deadline(500):
        await manager.check()

    assert all(500 < seconds <= 1000 for seconds in left.values())
    assert set(left) == {"look", "look_async"}


# cached


async def test_a_result_is_reported_with_its_age_until_the_cache_expires() -> None:
    clock = Clock()
    runs: list[float] = []

    def check(result: Result) -> None:
        runs.append(clock.now)
        clock.now += 0.25
        result.set_status(HealthStatus.WARNING, f"run {len(runs)}")

    manager = HealthCheckManager(clock=clock)
    manager.add_check(check, cache=10)

    fresh = (await manager.check()).checks["check"]
    clock.now += 9.75
    cached = (await manager.check()).checks["check"]
    clock.now += 0.25
    again = (await manager.check()).checks["check"]

    assert (fresh.details, fresh.duration, fresh.age) == ("run 1", 0.25, 0)
    assert (cached.details, cached.duration, cached.age) == ("run 1", 0.25, 9.75)
    assert (again.details, again.duration, again.age) == ("run 2", 0.25, 0)
    assert cached.status is HealthStatus.WARNING


async def test_an_error_that_is_cached_stays_an_error() -> None:
    runs: list[str] = []

    def check(result: Result) -> None:
        runs.append(result.name)
        raise ConnectionError

    manager = HealthCheckManager(clock=Clock())
    manager.add_check(check, cache=10)
    first = await manager.check()
    second = await manager.check()

    assert first.status is second.status is HealthStatus.ERROR
    assert second.checks["check"].details == "raised ConnectionError"
    assert runs == ["check"]


async def test_without_a_cache_a_check_runs_for_each_request() -> None:
    runs: list[str] = []
    manager = HealthCheckManager(clock=Clock())
    manager.add_check(lambda result: runs.append(result.name), name="check")

    await manager.check()
    await manager.check()

    assert runs == ["check", "check"]


async def test_each_run_starts_from_ok() -> None:
    statuses = iter([HealthStatus.ERROR, None])

    def check(result: Result) -> None:
        status = next(statuses)
        if status:
            result.set_status(status)

    manager = HealthCheckManager()
    manager.add_check(check)

    assert (await manager.check()).status is HealthStatus.ERROR
    assert (await manager.check()).status is HealthStatus.OK


# slow


async def test_a_check_that_is_slow_is_an_error_that_says_how_slow() -> None:
    clock = Clock()

    async def check(result: Result) -> None:
        clock.now += 1.5
        result.set_status(HealthStatus.OK, "42 rows")

    manager = HealthCheckManager(clock=clock)
    manager.add_check(check, fail_if_slower_than=1)
    found = (await manager.check()).checks["check"]

    assert found.status is HealthStatus.ERROR
    assert found.details == "took 1.500 s, more than 1 s; 42 rows"
    assert found.duration == 1.5


# raised


def raising(error: BaseException) -> HealthCheckManager:
    def in_thread(result: Result) -> None:
        raise error

    async def on_loop(result: Result) -> None:
        raise error

    manager = HealthCheckManager()
    manager.add_check(in_thread)
    manager.add_check(on_loop)
    manager.add_check(lambda result: None, name="other")
    return manager


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(1), asyncio.CancelledError()])
async def test_a_check_that_raises_is_an_error_and_the_others_still_report(error: BaseException) -> None:
    health = await raising(error).check()

    details = f"raised {type(error).__name__}"
    assert {name: (check.status, check.details) for name, check in health.checks.items()} == {
        "in_thread": (HealthStatus.ERROR, details),
        "on_loop": (HealthStatus.ERROR, details),
        "other": (HealthStatus.OK, ""),
    }
    assert health.status is HealthStatus.ERROR


async def test_the_traceback_of_a_check_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("secret")
    await raising(error).check()

    logged = {record.getMessage(): record for record in caplog.records if record.name == "service.health"}
    assert set(logged) == {"health check 'in_thread' raised", "health check 'on_loop' raised"}
    for record in logged.values():
        assert record.levelno == logging.ERROR
        assert record.exc_info
        assert record.exc_info[1] is error


async def test_a_sync_check_that_returns_a_coroutine_was_never_run_and_is_an_error() -> None:
    async def ping() -> None: ...

    manager = HealthCheckManager()
    manager.add_check(lambda result: ping(), name="ping")
    found = (await manager.check()).checks["ping"]

    assert found.status is HealthStatus.ERROR
    assert found.details.startswith("returned coroutine; a check reports with result.set_status()")


async def test_a_check_for_which_there_is_no_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    manager = HealthCheckManager()
    manager.add_check(lambda result: None, name="disk")
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", start)
        found = (await manager.check()).checks["disk"]

    assert (found.status, found.details) == (HealthStatus.ERROR, "raised RuntimeError")
    assert (await manager.check()).status is HealthStatus.OK
