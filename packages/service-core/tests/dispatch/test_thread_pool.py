"""The threads in which ``def`` methods run."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut

LIMIT = 20.0


class Gate:
    """Holds up each thread that passes it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.came: list[str] = []
        self.passed: list[str] = []

    def passing(self, name: str) -> str:
        self.came.append(name)
        self.entered.release()
        assert self.open.wait(LIMIT)
        self.passed.append(name)
        return name


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def workers() -> Iterator[ThreadPool]:
    workers = ThreadPool(2)
    yield workers
    workers.close()


async def test_a_job_runs_in_another_thread_and_returns_its_result(workers: ThreadPool) -> None:
    name = await workers.run(lambda prefix: prefix + threading.current_thread().name, ("in ",))

    assert name == "in service-worker-1"


async def test_a_job_sees_the_context_of_its_caller_and_leaves_it_alone(workers: ThreadPool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("outside")

    def look_and_change() -> str:
        seen = variable.get()
        variable.set("inside")
        return seen

    assert await workers.run(look_and_change, ()) == "outside"
    assert variable.get() == "outside"


async def test_an_error_is_the_callers(workers: ThreadPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0, ())


@pytest.mark.parametrize("error", [StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_an_error_that_would_harm_the_loop_is_wrapped(workers: ThreadPool, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError, match=f"the method raised {error.__name__}") as caught:
        await workers.run(fail, ())
    assert isinstance(caught.value.__cause__, error)


async def test_no_more_run_at_once_than_there_are_threads_and_the_others_wait_their_turn(
    workers: ThreadPool, gate: Gate
) -> None:
    jobs = [asyncio.create_task(workers.run(gate.passing, (str(number),))) for number in range(4)]
    for _ in range(2):
        await asyncio.to_thread(gate.entered.acquire)
    assert not gate.entered.acquire(blocking=False)

    gate.open.set()

    assert await asyncio.gather(*jobs) == ["0", "1", "2", "3"]
    assert sorted(gate.came[:2]) == ["0", "1"]


async def test_an_idle_thread_is_used_before_a_new_one_is_made(workers: ThreadPool) -> None:
    async def thread() -> str:
        name: str = await workers.run(lambda: threading.current_thread().name, ())
        return name

    names = []
    for _ in range(5):
        names.append(await thread())
        await asyncio.to_thread(lambda: None)  # gives the worker time to say that it is idle
    assert "service-worker-1" in names
    assert len(set(names)) <= 2


async def test_an_abandoned_job_is_not_started(gate: Gate) -> None:
    workers = ThreadPool(1)
    first = asyncio.create_task(workers.run(gate.passing, ("first",)))
    await asyncio.to_thread(gate.entered.acquire)
    second = asyncio.create_task(workers.run(gate.passing, ("second",)))
    await asyncio.sleep(0)
    second.cancel()
    gate.open.set()

    assert await first == "first"
    assert await workers.run(lambda: "third", ()) == "third"
    assert gate.passed == ["first"]
    workers.close()


async def test_a_running_job_outlives_the_wait_for_it(workers: ThreadPool, gate: Gate) -> None:
    waiting = asyncio.create_task(workers.run(gate.passing, ("it",)))
    await asyncio.to_thread(gate.entered.acquire)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    gate.open.set()

    assert await workers.run(lambda: "next", ()) == "next"


async def test_a_job_may_take_its_time_and_no_more(workers: ThreadPool, gate: Gate) -> None:
    assert await workers.run(lambda: "in time", (), LIMIT) == "in time"
    with pytest.raises(TimedOut):
        await workers.run(gate.passing, ("it",), 0.01)
    gate.open.set()

    assert await workers.run(lambda: "next", (), LIMIT) == "next"


async def test_a_job_whose_time_is_up_before_its_turn_is_not_started(gate: Gate) -> None:
    workers = ThreadPool(1)
    first = asyncio.create_task(workers.run(gate.passing, ("first",)))
    await asyncio.to_thread(gate.entered.acquire)
    with pytest.raises(TimedOut):
        await workers.run(gate.passing, ("second",), 0.01)
    gate.open.set()

    assert await first == "first"
    assert await workers.run(lambda: "third", ()) == "third"
    assert gate.passed == ["first"]
    workers.close()


async def test_closed_workers_finish_what_they_have_and_take_nothing_new(gate: Gate) -> None:
    workers = ThreadPool(1)
    job = asyncio.create_task(workers.run(gate.passing, ("it",)))
    await asyncio.to_thread(gate.entered.acquire)
    workers.close()

    with pytest.raises(RuntimeError, match="the workers are closed"):
        await workers.run(lambda: None, ())
    gate.open.set()
    assert await job == "it"


async def test_without_new_threads_jobs_wait_for_those_that_there_are(
    workers: ThreadPool, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.create_task(workers.run(gate.passing, ("first",)))
    await asyncio.to_thread(gate.entered.acquire)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_more_threads)
        second = asyncio.create_task(workers.run(gate.passing, ("second",)))
        await asyncio.sleep(0)
    gate.open.set()

    assert [await first, await second] == ["first", "second"]


async def test_without_any_thread_the_caller_gets_an_error(
    workers: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_more_threads)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await workers.run(lambda: None, ())


def _no_more_threads(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


async def test_an_idle_thread_keeps_nothing_of_its_last_job_alive(workers: ThreadPool) -> None:
    class Argument: ...

    argument = Argument()
    gone = threading.Event()
    weakref.finalize(argument, gone.set)
    await workers.run(lambda given: None, (argument,))
    del argument
    gc.collect()

    assert await asyncio.to_thread(gone.wait, LIMIT)


def test_a_job_whose_loop_is_closed_affects_no_other(gate: Gate) -> None:
    workers = ThreadPool(1)

    async def start() -> None:
        job = asyncio.create_task(workers.run(gate.passing, ("it",)))
        await asyncio.to_thread(gate.entered.acquire)
        job.cancel()

    asyncio.run(start())
    gate.open.set()

    assert asyncio.run(workers.run(lambda: "next", ())) == "next"
    workers.close()


def test_a_job_that_never_ends_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, threading
from service_core.dispatch.thread_pool import ThreadPool

async def main():
    started = threading.Event()
    job = asyncio.create_task(ThreadPool(1).run(lambda: (started.set(), threading.Event().wait()), ()))
    await asyncio.to_thread(started.wait)
    job.cancel()

asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=LIMIT, check=False).returncode == 0


async def test_nothing_is_kept_of_an_abandoned_job() -> None:
    class Large:
        pass

    workers, gate = ThreadPool(1), threading.Event()
    blocking = asyncio.create_task(workers.run(gate.wait, (LIMIT,)))
    await asyncio.sleep(0)
    argument = Large()
    kept = weakref.ref(argument)
    queued = asyncio.create_task(workers.run(print, (argument,)))
    del argument
    await asyncio.sleep(0)
    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued
    del queued
    await asyncio.sleep(0)  # the event loop lets go of it

    gc.collect()
    assert kept() is None
    gate.set()
    await blocking
    workers.close()
