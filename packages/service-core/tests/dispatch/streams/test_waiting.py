"""Waiting for an item: keep-alive parts, and the limits."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from recording_sink import limits_of

from service_core import Service, service
from service_core.dispatch.streams.waiting import ItemWait
from service_core.dispatch.timeouts import TimedOut


@service(name="waiting-numbers")
class Numbers(Service):
    @abstractmethod
    def all(self) -> AsyncIterator[int]: ...


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def nothing() -> None:
    raise AssertionError("no part is due")


def test_what_comes_in_time_is_returned() -> None:
    async def check() -> None:
        wait = ItemWait(limits_of(Numbers), 100.0, nothing)
        assert await wait.until(asyncio.sleep(0, 7)) == 7

    run(check())


def test_a_stream_that_waits_sends_a_part_again_and_again() -> None:
    async def check() -> None:
        parts, enough = list[float](), asyncio.Event()

        def on_idle() -> None:
            parts.append(asyncio.get_running_loop().time())
            wait.part_written()
            if len(parts) == 3:
                enough.set()

        wait = ItemWait(limits_of(Numbers), 0.01, on_idle)
        wait.part_written()
        await wait.until(enough.wait())
        assert len(parts) == 3

    run(check())


@pytest.mark.parametrize("limit", ["first", "total"])
def test_a_limit_cancels_the_step_and_is_no_cancellation_of_the_task(limit: str) -> None:
    async def check() -> None:
        seconds = -0.9 if limit == "first" else 0.05  # a grace of a second is added to the first
        wait = ItemWait(limits_of(Numbers, **{limit: seconds}), 100.0, nothing)
        with pytest.raises(TimedOut):
            await wait.until(asyncio.Event().wait())
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(check())


def test_a_step_that_ignores_its_cancellation_ends_the_stream_all_the_same() -> None:
    async def stubborn() -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 1
        return 0

    async def check() -> None:
        with pytest.raises(TimedOut):
            await ItemWait(limits_of(Numbers, total=0.05), 100.0, nothing).until(stubborn())

    run(check())


def test_a_cancellation_of_the_task_is_raised_even_if_the_step_ignores_it() -> None:
    async def check() -> None:
        waits = asyncio.Event()

        async def stubborn() -> int:
            try:
                waits.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return 1
            return 0

        async def serve() -> None:
            await ItemWait(limits_of(Numbers), 100.0, nothing).until(stubborn())

        task = asyncio.create_task(serve())
        await waits.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run(check())
