"""Alarms: what happens at a time, unless it is cancelled."""

from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar
from typing import Any

import pytest

from service_core.process.timers import Timer, start_timer

LONG = 60.0


class Bell:
    """Notes its name when it is rung."""

    def __init__(self, name: str, rung: list[str]) -> None:
        self._name = name
        self._rung = rung

    def ring(self) -> None:
        self._rung.append(self._name)


TIMES = {"late": 0.03, "first": 0.01, "second": 0.02, "at once": 0.0}


@pytest.fixture
def rung() -> list[str]:
    return []


async def after(seconds: float) -> None:
    """Wait until all alarms up to now have rung."""
    passed = asyncio.Event()
    start_timer(seconds, passed.set)
    async with asyncio.timeout(LONG):
        await passed.wait()


async def test_alarms_ring_in_the_order_of_their_times(rung: list[str]) -> None:
    timers = {name: start_timer(seconds, Bell(name, rung).ring) for name, seconds in TIMES.items()}
    await after(0.04)
    assert rung == sorted(timers, key=lambda name: timers[name].at)


async def test_a_cancelled_alarm_does_not_ring(rung: list[str]) -> None:
    early, late = start_timer(0.01, Bell("early", rung).ring), start_timer(0.02, Bell("late", rung).ring)
    assert early.is_set
    early.cancel()
    early.cancel()
    assert not early.is_set
    await after(0.03)
    assert rung == ["late"]
    assert not late.is_set


async def test_an_alarm_may_be_cancelled_by_one_that_rings_at_the_same_time(rung: list[str]) -> None:
    start_timer(0.01, lambda: second.cancel())
    second = start_timer(0.01, Bell("second", rung).ring)
    await after(0.02)
    assert rung == []


async def test_an_alarm_may_set_another_one(rung: list[str]) -> None:
    start_timer(0.0, lambda: (start_timer(0.0, Bell("next", rung).ring), None)[1])
    start_timer(LONG, Bell("last", rung).ring)
    await after(0.01)
    assert rung == ["next"]


async def test_an_alarm_that_raises_is_reported_and_harms_no_other(rung: list[str]) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    start_timer(0.0, lambda: [][0])
    start_timer(0.0, Bell("other", rung).ring)
    await after(0.01)
    assert rung == ["other"]
    assert [type(error) for error in reported] == [IndexError]


async def test_what_was_cancelled_is_forgotten_long_before_its_time(rung: list[str]) -> None:
    def known() -> int:
        return sum(type(one) is Timer for one in gc.get_objects())

    before = known()
    kept = start_timer(LONG, Bell("kept", rung).ring)
    for _ in range(2000):
        start_timer(LONG, Bell("cancelled", rung).ring).cancel()
    assert known() - before < 600
    assert kept.is_set


async def test_an_alarm_rings_outside_of_the_call_that_has_set_it() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nowhere")
    variable.set("in a call")
    seen: list[str] = []
    start_timer(0.0, lambda: seen.append(variable.get()))
    await after(0.01)
    assert seen == ["nowhere"]


def test_every_event_loop_has_alarms_of_its_own(rung: list[str]) -> None:
    async def ring(name: str) -> None:
        start_timer(0.0, Bell(name, rung).ring)
        start_timer(LONG, Bell("never", rung).ring)
        await after(0.01)

    for name in ("first", "second"):
        asyncio.run(ring(name))
    assert rung == ["first", "second"]
