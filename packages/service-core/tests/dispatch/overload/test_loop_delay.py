"""Calls that wait for a busy event loop, in virtual time."""

from __future__ import annotations

import itertools

import pytest

from service_core.dispatch.overload.loop_delay import LoopDelay
from service_core.dispatch.overload.overloaded import Overloaded

REFUSAL = 0.0002
"""Seconds that a refusal takes."""


class Loop:
    """An event loop whose calls are processor time and nothing else: it reads what has arrived, then runs all of it."""

    def __init__(self, seconds: float, timeout: float) -> None:
        self.delay = LoopDelay()
        self.seconds, self.timeout = seconds, timeout
        self.in_time: list[float] = []
        self.failed: list[float] = []
        self.now = 0.0

    def run(self, arrivals: list[float]) -> None:
        waiting = iter(arrivals)
        following = next(waiting, None)
        while following is not None:
            self.now = max(self.now, following)
            sent, received = [], self.now
            while following is not None and following <= received:
                sent.append(following)
                following = next(waiting, None)
            for at in sent:
                self._begin(at, received)

    def _begin(self, sent: float, received: float) -> None:
        try:
            self.delay.check(self.now, received or 1e-9, received + self.timeout)
        except Overloaded:
            self.now += REFUSAL
            self.failed.append(self.now)
        else:
            self.now += self.seconds
            (self.in_time if self.now <= sent + self.timeout else self.failed).append(self.now)


def arrivals(rate: float, begin: float, end: float) -> list[float]:
    return [begin + number / rate for number in range(int((end - begin) * rate))]


@pytest.mark.parametrize(
    ("load", "seconds", "timeout"),
    [*itertools.product([1.5, 3.0, 10.0], [0.02], [5.0]), *itertools.product([1.5, 3.0], [0.1, 0.002], [2.0])],
)
def test_an_overloaded_loop_does_most_of_what_it_can(load: float, seconds: float, timeout: float) -> None:
    loop = Loop(seconds, timeout)
    loop.run(arrivals(load / seconds, 0.0, 60.0))
    can = (1.0 - REFUSAL * (load - 1.0) / seconds) / seconds
    assert sum(at >= 10.0 for at in loop.in_time) / (loop.now - 10.0) >= 0.85 * can


def test_after_the_overload_no_call_fails_any_more() -> None:
    loop = Loop(0.02, 5.0)
    loop.run(list(itertools.chain(arrivals(150.0, 0.0, 40.0), arrivals(25.0, 40.0, 60.0))))
    assert loop.delay.refused
    assert [at for at in loop.failed if at > 45.0] == []


def test_a_burst_of_half_of_the_time_is_done() -> None:
    loop = Loop(0.02, 5.0)
    loop.run([1.0] * 120)
    assert (len(loop.in_time), loop.failed) == (120, [])


def test_a_call_of_which_it_is_not_known_when_it_was_received_is_not_refused() -> None:
    LoopDelay().check(now=100.0, received_at=0.0, expires_at=100.1)
