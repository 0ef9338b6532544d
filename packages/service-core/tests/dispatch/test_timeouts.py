"""Waiting with a limit: the same as waiting without one, as long as the time is not up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from contextvars import ContextVar
from typing import Any

import pytest

from service_core.dispatch.timeouts import TimedOut, within

LONG = 60.0
NO_LIMIT_OR_A_LONG_ONE = pytest.mark.parametrize("seconds", [None, LONG])


class Trouble(Exception):
    """What the awaited code raises."""


async def returning(value: str, *, waits: int) -> str:
    for _ in range(waits):
        await asyncio.sleep(0)
    return value


async def raising(*, waits: int) -> str:
    for _ in range(waits):
        await asyncio.sleep(0)
    raise Trouble


class Handmade:
    """Awaitable, but no coroutine."""

    def __await__(self) -> Generator[Any, Any, str]:
        yield from asyncio.sleep(0).__await__()
        return "by hand"


@NO_LIMIT_OR_A_LONG_ONE
@pytest.mark.parametrize("waits", [0, 1, 3])
async def test_the_result_is_that_of_the_coroutine(waits: int, seconds: float | None) -> None:
    assert await within(returning("a", waits=waits), seconds) == "a"


@NO_LIMIT_OR_A_LONG_ONE
@pytest.mark.parametrize("waits", [0, 1, 3])
async def test_the_error_is_that_of_the_coroutine(waits: int, seconds: float | None) -> None:
    with pytest.raises(Trouble):
        await within(raising(waits=waits), seconds)


@NO_LIMIT_OR_A_LONG_ONE
async def test_whatever_can_be_awaited_can_be_waited_for(seconds: float | None) -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "later")
    things: list[Awaitable[str]] = [future, Handmade(), asyncio.create_task(returning("task", waits=1))]
    assert [await within(thing, seconds) for thing in things] == ["later", "by hand", "task"]


async def test_a_timer_that_expires_ends_the_wait_and_the_coroutine() -> None:
    ended: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("linger")

    with pytest.raises(TimedOut):
        await within(linger(), 0.001)
    assert ended == ["linger"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_timeout_of_the_coroutine_is_its_own() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise TimeoutError("of a database")

    with pytest.raises(TimeoutError, match="of a database"):
        await within(fail(), LONG)


async def test_a_coroutine_may_finish_when_it_is_ended() -> None:
    async def finish() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "finished"
        return "never"

    assert await within(finish(), 0.001) == "finished"


@NO_LIMIT_OR_A_LONG_ONE
async def test_cancelling_reaches_the_coroutine(seconds: float | None) -> None:
    waiting = asyncio.Event()
    seen: list[str] = []

    async def linger() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.create_task(within(linger(), seconds))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_a_limit_does_not_interrupt_what_ends_because_it_was_cancelled() -> None:
    cleaned, begun = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)  # beyond the limit
            cleaned.set()

    task = asyncio.create_task(within(work(), 0.1))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_the_coroutine_runs_in_the_task_and_context_of_its_caller() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")

    async def look() -> tuple[str, object]:
        before = variable.get()
        await asyncio.sleep(0)
        variable.set("inside")
        return before, asyncio.current_task()

    variable.set("caller")
    assert await within(look(), LONG) == ("caller", asyncio.current_task())
    assert variable.get() == "inside"


async def test_limits_may_be_nested() -> None:
    with pytest.raises(TimedOut):
        await within(within(asyncio.Event().wait(), LONG), 0.001)
    with pytest.raises(TimedOut):
        await within(within(asyncio.Event().wait(), 0.001), LONG)


def test_a_coroutine_that_is_dropped_is_closed() -> None:
    closed: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append("linger")

    async def begin() -> None:
        waiting = within(linger(), LONG)
        waiting.send(None)
        waiting.close()

    asyncio.run(begin())
    assert closed == ["linger"]
