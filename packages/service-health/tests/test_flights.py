"""Checks that several ask for at once, that hang, and whose loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from service_health import HealthCheckManager, HealthStatus

Result = HealthCheckManager.Result


class Held:
    """A sync check that stays inside until it is released, and counts how often it was entered."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = threading.Event()
        self.release = threading.Event()

    def __call__(self, result: Result) -> None:
        self.runs += 1
        self.entered.set()
        if not self.release.wait(10):
            raise RuntimeError("the check was not released")

    def leave(self) -> None:
        """Release it and wait until it has returned."""
        self.release.set()
        for thread in threads_of("held"):
            thread.join(10)


def threads_of(check: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"health-check-{check}"]


class Asking:
    """A thread that runs ``ask`` and keeps what it got."""

    def __init__(self, ask: Callable[[], HealthCheckManager.Health]) -> None:
        self._ask = ask
        self.got: HealthCheckManager.Health | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.got = self._ask()

    def result(self) -> HealthCheckManager.Health:
        self._thread.join(10)
        assert self.got is not None, "no answer within 10 s"
        return self.got


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10), "waited for 10 s"


@pytest.fixture
def held() -> Iterator[Held]:
    check = Held()
    yield check
    check.leave()


# all at once


async def test_all_checks_run_at_once() -> None:
    together = threading.Barrier(3)
    manager = HealthCheckManager()
    for name in ("one", "two", "three"):
        manager.add_check(lambda result: meet(together), name=name)

    assert (await manager.check()).status is HealthStatus.OK


def meet(barrier: threading.Barrier) -> None:
    barrier.wait(10)  # raises if the others do not come


async def test_an_async_check_runs_while_a_sync_one_blocks(held: Held) -> None:
    async def releases(result: Result) -> None:
        await until(held.entered)
        held.release.set()

    manager = HealthCheckManager()
    manager.add_check(held, name="held")
    manager.add_check(releases)

    assert (await manager.check()).status is HealthStatus.OK


# one run for all
#
# The second who asks, asks for two checks: the one under way, which is joined, and one that lets it go on.


async def test_a_check_that_two_tasks_ask_for_runs_once(held: Held) -> None:
    manager = HealthCheckManager()
    manager.add_check(held, name="held")
    first = asyncio.create_task(manager.check("held"))
    await until(held.entered)
    manager.add_check(lambda result: held.release.set(), name="let go")
    second = await manager.check()

    assert (await first).checks["held"] == second.checks["held"]
    assert held.runs == 1


def test_a_check_that_two_threads_ask_for_runs_once(held: Held) -> None:
    manager = HealthCheckManager()
    manager.add_check(held, name="held")
    first = Asking(lambda: manager.check_sync("held"))
    held.entered.wait(10)
    manager.add_check(lambda result: held.release.set(), name="let go")
    second = manager.check_sync()

    assert first.result().checks["held"] == second.checks["held"]
    assert held.runs == 1


class HeldAsync:
    """An async check that stays inside until it is released from anywhere."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = threading.Event()
        self.entered_again = threading.Event()
        self.ended = threading.Event()
        self.release = threading.Event()

    async def __call__(self, result: Result) -> None:
        self.runs += 1
        (self.entered_again if self.entered.is_set() else self.entered).set()
        try:
            await until(self.release)
        finally:
            self.ended.set()


def test_an_async_check_that_two_loops_ask_for_runs_once_on_the_first() -> None:
    held = HeldAsync()
    manager = HealthCheckManager()
    manager.add_check(held, name="held")
    first = Asking(lambda: asyncio.run(manager.check("held")))
    held.entered.wait(10)
    manager.add_check(lambda result: held.release.set(), name="let go")
    second = asyncio.run(manager.check())

    assert first.result().checks["held"] == second.checks["held"]
    assert held.runs == 1


async def test_a_caller_that_stops_waiting_does_not_stop_the_check_for_others(held: Held) -> None:
    manager = HealthCheckManager()
    manager.add_check(held, name="held")
    impatient = asyncio.create_task(manager.check("held"))
    await until(held.entered)
    impatient.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await impatient
    manager.add_check(lambda result: held.release.set(), name="let go")

    assert (await manager.check()).status is HealthStatus.OK
    assert held.runs == 1


def test_an_async_check_whose_loop_ends_is_run_again_by_requests_that_still_wait() -> None:
    held = HeldAsync()
    joined = threading.Event()
    manager = HealthCheckManager()
    manager.add_check(held, name="held")

    async def end_early() -> HealthCheckManager.Health:
        asking = asyncio.create_task(manager.check("held"))
        await until(joined)
        del asking  # asyncio.run cancels it, and the check
        return HealthCheckManager.Health()

    first = Asking(lambda: asyncio.run(end_early()))
    held.entered.wait(10)

    async def release_second_run(result: Result) -> None:
        joined.set()
        await until(held.ended)
        await until(held.entered_again)
        held.release.set()

    manager.add_check(release_second_run)
    health = asyncio.run(manager.check())

    first.result()
    assert {check.status for check in health.checks.values()} == {HealthStatus.OK}
    assert held.runs == 2


class Abandoned:
    """A manager whose check was started on a loop that was closed before it ended."""

    def __init__(self) -> None:
        self.runs = 0
        self.collected, self.release = threading.Event(), threading.Event()
        self.manager = HealthCheckManager()
        self.manager.add_check(self.check, cache=60)
        loop = asyncio.new_event_loop()
        asking = loop.create_task(self.manager.check())
        while not self.runs:
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        del loop, asking

    async def check(self, result: Result) -> None:
        self.runs += 1
        if self.runs == 1:
            await asyncio.Event().wait()
        gc.collect()  # throws the coroutine of the first run away
        self.collected.set()
        await until(self.release)


def test_a_loop_that_is_closed_under_a_check_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    abandoned = Abandoned()
    abandoned.release.set()

    assert asyncio.run(abandoned.manager.check()).status is HealthStatus.OK
    assert asyncio.run(abandoned.manager.check()).status is HealthStatus.OK
    assert abandoned.runs == 2
    assert [record for record in caplog.records if record.name == "service.health"] == []


def test_what_a_closed_loop_leaves_behind_does_not_end_the_next_run() -> None:
    abandoned = Abandoned()
    manager = abandoned.manager

    async def ask_twice() -> list[HealthCheckManager.Health]:
        first = asyncio.create_task(manager.check())
        await until(abandoned.collected)
        manager.add_check(lambda result: abandoned.release.set(), name="let go")
        return [await manager.check(), await first]

    one, other = asyncio.run(ask_twice())
    assert one.checks["check"] == other.checks["check"]
    assert abandoned.runs == 2
