"""The limit of an async method, in virtual time: it sheds overload, and leaves slow methods alone."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from service_core.dispatch.overload.adaptive_limit import AdaptiveLimit
from service_core.dispatch.overload.overloaded import Overloaded


class Server:
    """An async method in virtual time: each call needs one of so many places for some time, in order of arrival.

    A call is cancelled at its deadline, as the server does it.
    """

    def __init__(self, places: float, seconds: Callable[[], float], timeout: float) -> None:
        self.now = 0.0
        self.limit = AdaptiveLimit(lambda: self.now)
        self.places, self.seconds, self.timeout = places, seconds, timeout
        self.answered: list[float] = []
        self.late: list[float] = []
        self.refused: list[float] = []
        self._busy = 0
        self._queue: deque[tuple[float, str]] = deque()
        self._events: list[tuple[float, int, float, str]] = []
        self._number = 0

    def offer(self, times: Iterator[float], caller: Callable[[], str] = lambda: "one") -> None:
        for at in times:
            self._run_until(at)
            self.now = at
            who = caller()
            try:
                self.limit.enter(who, at, at + self.timeout)
            except Overloaded:
                self.refused.append(at)
            else:
                self._queue.append((at, who))
                self._start()

    def finish(self) -> None:
        self._run_until(math.inf)

    def _cancel_expired(self, until: float) -> None:
        while self._queue and self._queue[0][0] + self.timeout <= until:
            began, who = self._queue.popleft()
            self.now = began + self.timeout
            self.late.append(self.now)
            self.limit.leave(who, began, in_time=False)

    def _start(self) -> None:
        while self._queue and self._busy < self.places:
            began, who = self._queue.popleft()
            self._busy += 1
            self._number += 1
            end = min(self.now + self.seconds(), began + self.timeout)
            heapq.heappush(self._events, (end, self._number, began, who))

    def _run_until(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self._cancel_expired(self._events[0][0])
            self.now, _, began, who = heapq.heappop(self._events)
            self._busy -= 1
            in_time = self.now < began + self.timeout
            (self.answered if in_time else self.late).append(self.now)
            self.limit.leave(who, began, in_time=in_time)
            self._start()
        if until < math.inf:
            self._cancel_expired(until)

    def goodput(self, begin: float, end: float) -> float:
        return sum(begin <= at < end for at in self.answered) / (end - begin)


def steadily(rate: float, begin: float, end: float) -> Iterator[float]:
    return (begin + number / rate for number in range(int((end - begin) * rate)))


@pytest.mark.parametrize("load", [1.5, 3.0, 10.0])
@pytest.mark.parametrize(("places", "seconds", "timeout"), [(10, 0.2, 5.0), (40, 2.0, 10.0), (2, 0.01, 1.0)])
def test_an_overloaded_server_does_nine_tenths_of_what_it_can(
    places: int, seconds: float, timeout: float, load: float
) -> None:
    server, capacity = Server(places, lambda: seconds, timeout), places / seconds
    server.offer(steadily(0.5 * capacity, 0.0, 10.0))
    server.offer(steadily(load * capacity, 10.0, 80.0))
    assert server.goodput(10.0 + 1.5 * timeout, 80.0) >= 0.9 * capacity


def test_two_seconds_after_the_overload_no_call_fails_any_more() -> None:
    server = Server(10, lambda: 0.2, 5.0)
    server.offer(steadily(25.0, 0.0, 10.0))
    server.offer(steadily(150.0, 10.0, 50.0))
    assert server.refused
    server.offer(steadily(25.0, 50.0, 70.0))
    server.finish()
    assert [at for at in (*server.refused, *server.late) if at > 52.0] == []


def test_a_method_that_is_slow_by_nature_is_never_refused() -> None:
    server = Server(math.inf, lambda: 8.0, 10.0)
    server.offer(steadily(100.0, 0.0, 60.0))
    server.finish()
    assert (server.refused, server.late) == ([], [])


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_calls_of_very_different_length_are_not_refused_while_there_is_room(share: float) -> None:
    dice = random.Random(3)
    server = Server(math.inf, lambda: 6.0 if dice.random() < share else 0.05, 10.0)
    server.offer(steadily(100.0, 0.0, 120.0))
    server.finish()
    assert (server.refused, server.late) == ([], [])


def test_a_burst_that_can_be_done_in_time_is_done() -> None:
    server = Server(10, lambda: 0.1, 10.0)
    server.offer(steadily(50.0, 0.0, 20.0))
    server.offer(iter([20.0] * 500))
    server.finish()
    assert (server.refused, server.late) == ([], [])


def test_a_burst_after_a_long_pause_is_not_measured_by_the_pause() -> None:
    server = Server(math.inf, lambda: 1.0, 10.0)
    server.offer(steadily(20.0, 0.0, 10.0))
    server.offer(iter([600.0] * 200))
    server.finish()
    assert (server.refused, server.late) == ([], [])


def test_a_call_without_a_deadline_is_never_refused() -> None:
    server = Server(1, lambda: 0.1, math.inf)
    server.offer(steadily(100.0, 0.0, 20.0))
    assert server.refused == []


def test_a_caller_with_few_calls_is_served_beside_one_with_many() -> None:
    dice = random.Random(5)
    server = Server(10, lambda: 0.2, 5.0)
    server.offer(steadily(25.0, 0.0, 10.0))
    refused = {"much": 0, "little": 0}
    for at in steadily(150.0, 10.0, 40.0):
        who, before = ("little" if dice.random() < 0.05 else "much"), len(server.refused)
        server.offer(iter([at]), lambda who=who: who)  # type: ignore[misc]
        refused[who] += len(server.refused) - before
    assert refused["much"] > 1000
    assert refused["little"] == 0


def test_a_refusal_says_when_a_call_is_likely_to_be_admitted() -> None:
    server = Server(10, lambda: 0.5, 5.0)
    server.offer(steadily(10.0, 0.0, 20.0))
    server.offer(steadily(60.0, 20.0, 40.0))
    with pytest.raises(Overloaded) as caught:
        server.limit.enter("one", 40.0, 41.0)
    assert 1.0 < caught.value.retry_after < 5.0
    assert server.limit.view()["refused"] == len(server.refused) + 1
