"""How long the runs of a method take."""

from __future__ import annotations

import pytest

from service_core.dispatch.overload.service_time import ServiceTime


def after(*seconds: float) -> ServiceTime:
    time = ServiceTime()
    for each in seconds:
        time.observe(each)
    return time


def test_without_a_run_nothing_is_known() -> None:
    assert (ServiceTime().mean, ServiceTime().typical) == (0.0, 0.0)


def test_the_first_run_counts_fully_and_later_ones_gradually() -> None:
    assert after(0.2).mean == pytest.approx(0.2)
    assert after(0.2, 1.2).mean == pytest.approx(0.3)
    assert after(0.2, *[1.0] * 60).mean == pytest.approx(1.0, rel=0.01)
    assert after(0.2, *[1.0] * 60).typical == pytest.approx(1.0, rel=0.01)


def test_a_few_long_runs_count_as_work_but_hardly_change_what_is_typical() -> None:
    mixed = after(*([0.001] * 9 + [10.0]) * 20)
    assert mixed.mean > 0.5
    assert mixed.typical < 0.05


def test_refused_calls_lower_the_averages() -> None:
    slow = after(10.0)
    for _ in range(5000):
        slow.refused()
    assert slow.typical < 0.1
    slow.observe(0.1)
    assert slow.typical < 0.1


def test_a_run_in_no_time_is_known() -> None:
    assert after(0.0).typical > 0.0
