"""Timers: what is called at a time, unless it is cancelled."""

from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar
from typing import Any

import pytest

from service_core.process.timers import Timer, start_timer

LONG = 60.0


class Recorder:
    """Notes its name when its timer has passed."""

    def __init__(self, name: str, names: list[str]) -> None:
        self._name = name
        self._names = names

    def run(self) -> None:
        self._names.append(self._name)


TIMES = {"late": 0.03, "first": 0.01, "second": 0.02, "at once": 0.0}


@pytest.fixture
def names() -> list[str]:
    return []


async def after(seconds: float) -> None:
    """Wait until all timers up to now have run."""
    passed = asyncio.Event()
    start_timer(seconds, passed.set)
    async with asyncio.timeout(LONG):
        await passed.wait()


async def test_timers_run_in_the_order_of_their_times(names: list[str]) -> None:
    timers = {name: start_timer(seconds, Recorder(name, names).run) for name, seconds in TIMES.items()}
    await after(0.04)
    assert names == sorted(timers, key=lambda name: timers[name].at)


async def test_a_cancelled_timer_does_not_run(names: list[str]) -> None:
    early, late = start_timer(0.01, Recorder("early", names).run), start_timer(0.02, Recorder("late", names).run)
    assert early.is_set
    early.cancel()
    early.cancel()
    assert not early.is_set
    await after(0.03)
    assert names == ["late"]
    assert not late.is_set


async def test_a_timer_may_be_cancelled_by_one_of_the_same_time(names: list[str]) -> None:
    start_timer(0.01, lambda: second.cancel())
    second = start_timer(0.01, Recorder("second", names).run)
    await after(0.02)
    assert names == []


async def test_a_timer_may_start_another_one(names: list[str]) -> None:
    start_timer(0.0, lambda: (start_timer(0.0, Recorder("next", names).run), None)[1])
    start_timer(LONG, Recorder("last", names).run)
    await after(0.01)
    assert names == ["next"]


async def test_a_timer_that_raises_is_reported_and_others_still_run(names: list[str]) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    start_timer(0.0, lambda: [][0])
    start_timer(0.0, Recorder("other", names).run)
    await after(0.01)
    assert names == ["other"]
    assert [type(error) for error in reported] == [IndexError]


async def test_a_cancelled_timer_is_released_long_before_its_time(names: list[str]) -> None:
    def known() -> int:
        return sum(type(one) is Timer for one in gc.get_objects())

    before = known()
    kept = start_timer(LONG, Recorder("kept", names).run)
    for _ in range(2000):
        start_timer(LONG, Recorder("cancelled", names).run).cancel()
    assert known() - before < 600
    assert kept.is_set


async def test_a_timer_runs_outside_of_the_context_of_the_call_that_started_it() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nowhere")
    variable.set("in a call")
    seen: list[str] = []
    start_timer(0.0, lambda: seen.append(variable.get()))
    await after(0.01)
    assert seen == ["nowhere"]


def test_every_event_loop_has_its_own_timers(names: list[str]) -> None:
    async def start(name: str) -> None:
        start_timer(0.0, Recorder(name, names).run)
        start_timer(LONG, Recorder("never", names).run)
        await after(0.01)

    for name in ("first", "second"):
        asyncio.run(start(name))
    assert names == ["first", "second"]
