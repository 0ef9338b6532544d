"""The steps of a sync generator in threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest
from recording_sink import RecordingSink, limits_of

from service_core import Service, service
from service_core.dispatch.streams.thread_steps import ThreadSteps
from service_core.dispatch.streams.waiting import ItemWait
from service_core.dispatch.thread_pool import ThreadPool

WAIT = 30.0
VALUE: contextvars.ContextVar[int] = contextvars.ContextVar("value", default=0)


@service(name="thread-numbers")
class Numbers(Service):
    @abstractmethod
    def all(self) -> AsyncIterator[int]: ...


class Steps:
    """The steps of one generator, and what they flush."""

    def __init__(self, numbers: Any) -> None:
        self.items: deque[Any] = deque()
        self.sink = RecordingSink()
        self.pool = ThreadPool(2)
        self.flushed: list[Any] = []
        self.has_flushed = asyncio.Event()
        self.failure: Exception | None = None
        self.wait = ItemWait(limits_of(Numbers), 100.0, lambda: None)
        self.steps = ThreadSteps(numbers, self.items, self.sink, self.flush)

    def flush(self) -> None:
        while self.items:
            self.flushed.append(self.items.popleft())
        self.has_flushed.set()
        if self.failure is not None:
            raise self.failure

    async def take(self, limit: int) -> bool:
        return await self.steps.take(limit, self.pool, self.wait)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, WAIT))


def test_a_step_takes_as_many_items_as_it_may_and_all_run_in_one_context() -> None:
    def numbers() -> Iterator[int]:
        for _ in range(5):
            VALUE.set(VALUE.get() + 1)
            yield VALUE.get()

    async def check() -> None:
        one = Steps(numbers)
        taken: list[int] = []
        while await one.take(2):
            taken += [*one.flushed, *one.items]
            one.items.clear()
            one.flushed.clear()
        assert [*taken, *one.flushed, *one.items] == [1, 2, 3, 4, 5]
        assert VALUE.get() == 0

    run(check())


def test_items_are_flushed_while_their_step_goes_on() -> None:
    goes_on = threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        assert goes_on.wait(WAIT)
        yield 2

    async def check() -> None:
        one = Steps(numbers)
        task = asyncio.create_task(one.take(10))
        await one.has_flushed.wait()
        assert one.flushed == [1]
        goes_on.set()
        assert not await task

    run(check())


def test_a_failure_of_the_flush_is_raised_where_the_step_is_awaited() -> None:
    goes_on = threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        assert goes_on.wait(WAIT)
        yield 2

    async def check() -> None:
        one = Steps(numbers)
        one.failure = ValueError("mine")
        task = asyncio.create_task(one.take(10))
        await one.has_flushed.wait()
        goes_on.set()
        with pytest.raises(ValueError, match="mine"):
            await task

    run(check())


def test_a_step_that_runs_is_not_interrupted_and_the_generator_is_closed_after_it() -> None:
    begun, goes_on, order = threading.Event(), threading.Event(), list[str]()

    def numbers() -> Iterator[int]:
        try:
            yield 1
            begun.set()
            assert goes_on.wait(WAIT)
            order.append("step")
            yield 2
        finally:
            order.append("closed")

    async def check() -> None:
        one = Steps(numbers)
        task = asyncio.create_task(one.take(10))
        assert await asyncio.to_thread(begun.wait, WAIT)
        task.cancel()
        await asyncio.wait([task])
        closing = asyncio.create_task(one.steps.close(one.pool))
        await asyncio.sleep(0)
        assert order == []
        goes_on.set()
        await closing
        assert order == ["step", "closed"]

    run(check())


def test_an_error_of_the_generator_is_raised() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("mine")

    async def check() -> None:
        with pytest.raises(KeyError, match="mine"):
            await Steps(numbers).take(10)

    run(check())
