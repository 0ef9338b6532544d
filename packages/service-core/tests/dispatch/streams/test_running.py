"""Taking the items of a generator and writing them."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest
from recording_sink import RecordingSink, limits_of

from service_core import Service, service
from service_core.dispatch.streams.running import ItemRunner
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut
from service_core.errors import ArgumentException
from service_core.wire.failures.wire_error import WireError


@service(name="running-numbers")
class Numbers(Service):
    @abstractmethod
    def all(self) -> AsyncIterator[int]: ...


class PlainWriter:
    """Writes items as text; negative ones do not fit."""

    content_type = "text/plain"
    has_status = False
    idle = b"idle"
    end = b"end"

    def write_items(self, items: list[Any]) -> bytes:
        if min(items) < 0:
            raise ArgumentException("negative")
        return repr(items).encode()

    def write_failure(self, error: WireError) -> bytes:
        return error.type.encode()


class Run:
    """One runner, and what it has written and closed."""

    def __init__(self, *, keep_alive: float = 100.0, first: float = 100.0) -> None:
        self.sink = RecordingSink()
        self.closes = 0
        limits = limits_of(Numbers, first=first)
        self.runner = ItemRunner(self.sink, PlainWriter(), limits, keep_alive, self._close)

    def _close(self) -> None:
        self.closes += 1


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_items_that_come_without_a_wait_are_written_with_the_end() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def check() -> None:
        one = Run()
        await one.runner.iterate(numbers())
        assert one.sink.parts == []
        assert one.runner.ending == [b"[1, 2]"]
        assert one.closes == 1

    run(check())


def test_what_has_come_before_a_wait_is_written_before_it() -> None:
    async def check() -> None:
        one, goes_on = Run(), asyncio.Event()

        async def numbers() -> AsyncIterator[int]:
            yield 1
            await goes_on.wait()
            yield 2

        task = asyncio.create_task(one.runner.iterate(numbers()))
        await one.sink.has_part.wait()
        assert one.sink.parts == [b"[1]"]
        assert one.runner.has_begun
        goes_on.set()
        await task
        assert one.runner.ending == [b"[2]"]

    run(check())


def test_items_before_one_that_does_not_fit_are_written() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2
        yield -1

    async def check() -> None:
        one = Run()
        with pytest.raises(ArgumentException, match="negative"):
            await one.runner.iterate(numbers())
        assert one.runner.ending == [b"[1]", b"[2]"]

    run(check())


def test_a_cancellation_closes_the_generator_after_its_finally_block() -> None:
    async def check() -> None:
        one, waits, ends = Run(), asyncio.Event(), list[str]()

        async def numbers() -> AsyncIterator[int]:
            try:
                waits.set()
                await asyncio.Event().wait()
                yield 1
            finally:
                await asyncio.sleep(0)
                ends.append("closed")

        task = asyncio.create_task(one.runner.iterate(numbers()))
        await waits.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert ends == ["closed"]
        assert one.closes >= 1

    run(check())


def test_a_generator_that_ends_no_wait_is_stopped_while_the_client_reads_nothing() -> None:
    async def check() -> None:
        one, taken = Run(), list[int]()
        one.sink.is_full = True

        async def numbers() -> AsyncIterator[int]:
            for number in range(100):
                taken.append(number)
                yield number

        task = asyncio.create_task(one.runner.iterate(numbers()))
        await one.sink.has_part.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert (len(taken), one.sink.drains) == (16, 1)
        one.sink.make_room()
        await task
        assert len(taken) == 100

    run(check())


def test_a_sync_generator_runs_in_a_thread_in_one_context() -> None:
    async def check() -> None:
        one, threads, ends = Run(), set[int](), list[str]()
        pool = ThreadPool(2)

        def numbers() -> Iterator[int]:
            try:
                for number in range(40):
                    threads.add(threading.get_ident())
                    yield number
            finally:
                ends.append("closed")

        await one.runner.iterate_sync(numbers, pool)
        written = b"".join([*one.sink.parts, *one.runner.ending]).replace(b"][", b", ")
        assert written == repr(list(range(40))).encode()
        assert threading.get_ident() not in threads
        assert ends == ["closed"]

    run(check())


def test_a_sync_generator_without_threads_runs_on_the_event_loop() -> None:
    async def check() -> None:
        one, threads = Run(), set[int]()

        def numbers() -> Iterator[int]:
            threads.add(threading.get_ident())
            yield 1

        await one.runner.iterate_sync(numbers, None)
        assert threads == {threading.get_ident()}
        assert one.runner.ending == [b"[1]"]

    run(check())


def test_a_limit_that_passes_ends_the_generator_with_timed_out() -> None:
    async def check() -> None:
        one, ends = Run(first=-0.9), list[str]()  # a grace of a second is added

        async def numbers() -> AsyncIterator[int]:
            try:
                await asyncio.Event().wait()
                yield 1
            finally:
                ends.append("closed")

        with pytest.raises(TimedOut):
            await one.runner.iterate(numbers())
        assert ends == ["closed"]

    run(check())
