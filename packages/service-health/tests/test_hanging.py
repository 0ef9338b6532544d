"""Checks that do not come to an end in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from service_health import HealthCheckManager, HealthStatus

Result = HealthCheckManager.Result

SHORT = 0.02
"""Seconds after which a check of these tests is cut off."""


def threads_named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


class Hanging:
    """A manager with a sync check that hangs until it is released, and one that is well."""

    def __init__(self, cache: float = 0) -> None:
        self.runs = 0
        self.release = threading.Event()
        self.now = 0.0
        self.manager = HealthCheckManager(clock=lambda: self.now)
        self.manager.add_check(self.hang, timeout=SHORT, cache=cache)
        self.manager.add_check(lambda result: None, name="well")

    def hang(self, result: Result) -> None:
        self.runs += 1
        self.release.wait(10)
        result.set_status(HealthStatus.WARNING, "late")

    def end(self) -> None:
        """Let the check return and wait until it has."""
        self.release.set()
        for thread in threads_named("health-check-hang"):
            thread.join(10)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hangs = Hanging()
    yield hangs
    hangs.end()


async def test_a_check_that_hangs_is_an_error_and_the_others_report(hanging: Hanging) -> None:
    health = await hanging.manager.check()

    assert health.status is HealthStatus.ERROR
    assert health.checks["hang"].details == "did not finish within 0.02 s"
    assert health.checks["well"].status is HealthStatus.OK


async def test_a_check_that_hangs_is_logged_once(hanging: Hanging, caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.gather(hanging.manager.check(), hanging.manager.check())
    await hanging.manager.check()

    logged = [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "service.health"]
    assert logged == [(logging.ERROR, "health check 'hang' did not finish within 0.02 s")]


async def test_a_check_that_still_hangs_is_not_started_again(hanging: Hanging) -> None:
    await hanging.manager.check()
    hanging.now += 12
    found = (await hanging.manager.check()).checks["hang"]

    assert found.status is HealthStatus.ERROR
    assert found.details == (
        "still running after 12.0 s, though abandoned after 0.02 s; it is started again once it has returned"
    )
    assert (found.duration, found.age) == (12, 0)
    assert hanging.runs == 1


async def test_a_check_that_hangs_holds_one_thread_for_any_number_of_requests(hanging: Hanging) -> None:
    for _ in range(5):
        assert (await hanging.manager.check()).checks["well"].status is HealthStatus.OK

    assert len(threads_named("health-check-hang")) == 1


async def test_a_check_that_has_returned_at_last_runs_again(hanging: Hanging) -> None:
    await hanging.manager.check()
    hanging.end()
    found = (await hanging.manager.check()).checks["hang"]

    assert (found.status, found.details) == (HealthStatus.WARNING, "late")
    assert hanging.runs == 2


async def test_what_comes_too_late_does_not_replace_the_error_in_the_cache() -> None:
    hanging = Hanging(cache=60)
    await hanging.manager.check()
    hanging.end()
    hanging.now += 30
    found = (await hanging.manager.check()).checks["hang"]

    assert (found.status, found.details) == (HealthStatus.ERROR, "did not finish within 0.02 s")
    assert found.age == 30
    assert hanging.runs == 1


async def test_an_async_check_that_hangs_is_cancelled_and_runs_again() -> None:
    runs: list[asyncio.Event] = []

    async def hang(result: Result) -> None:
        runs.append(asyncio.Event())
        try:
            await asyncio.Event().wait()
        finally:
            runs[-1].set()

    manager = HealthCheckManager()
    manager.add_check(hang, timeout=SHORT)
    for run in range(2):
        found = (await manager.check()).checks["hang"]
        assert found.details == "did not finish within 0.02 s"
        await asyncio.wait_for(runs[run].wait(), 10)

    assert len(runs) == 2


async def test_an_async_check_that_refuses_to_be_cancelled_is_not_started_again() -> None:
    runs: list[str] = []
    release, ended = asyncio.Event(), asyncio.Event()

    async def stubborn(result: Result) -> None:
        runs.append(result.name)
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        ended.set()

    manager = HealthCheckManager()
    manager.add_check(stubborn, timeout=SHORT)
    await manager.check()
    found = (await manager.check()).checks["stubborn"]
    assert found.details.startswith("still running after")
    assert len(runs) == 1

    release.set()
    await ended.wait()
    assert (await manager.check()).status is HealthStatus.OK
    assert len(runs) == 2


def test_an_async_check_that_blocks_its_loop_is_reported_on_another() -> None:
    entered, release = threading.Event(), threading.Event()

    async def block(result: Result) -> None:
        entered.set()
        release.wait(10)

    manager = HealthCheckManager()
    manager.add_check(block, timeout=SHORT)
    got: list[HealthCheckManager.Health] = []
    blocked = threading.Thread(target=lambda: got.append(asyncio.run(manager.check())))
    blocked.start()
    entered.wait(10)
    seen = asyncio.run(manager.check())
    release.set()
    blocked.join(10)

    assert seen.checks["block"].details == "did not finish within 0.02 s"
    assert got == [seen]


def test_a_request_of_a_thread_does_not_wait_for_what_a_hanging_check_leaves() -> None:
    release = threading.Event()

    async def leaves_a_thread(result: Result) -> None:
        await asyncio.to_thread(release.wait, 10)

    manager = HealthCheckManager()
    manager.add_check(leaves_a_thread, timeout=SHORT)
    health = manager.check_sync()
    left_behind = threads_named("health-check-sync")
    release.set()
    for thread in left_behind:
        thread.join(10)

    assert health.status is HealthStatus.ERROR
    assert len(left_behind) == 1


PROGRAM = """
import asyncio
import threading
from service_health import HealthCheckManager

async def stubborn(result):
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

manager = HealthCheckManager()
manager.add_check(lambda result: threading.Event().wait(), name="hang", timeout=0.02)
manager.add_check(stubborn, timeout=0.02)
details = {check.details for check in manager.check_sync().checks.values()}
assert details == {"did not finish within 0.02 s"}, details
"""


def test_checks_that_hang_do_not_keep_the_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], timeout=30, check=False, capture_output=True)

    assert ended.returncode == 0, ended.stderr
