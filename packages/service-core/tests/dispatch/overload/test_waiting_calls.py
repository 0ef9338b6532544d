"""Calls that wait for a worker: their order, which are refused, and what a server does under load, in virtual time."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import pytest

from service_core.dispatch.overload.service_time import ServiceTime
from service_core.dispatch.overload.waiting_calls import WaitingCalls


@dataclass(eq=False)
class Waiter:
    name: str = ""
    expires_at: float = math.inf
    service_time: ServiceTime | None = field(default_factory=ServiceTime)
    caller: str | None = None


def taking(seconds: float) -> ServiceTime:
    time = ServiceTime()
    time.observe(seconds)
    return time


METHODS = {seconds: taking(seconds) for seconds in (0.001, 0.2, 0.5, 1.0, 5.0, 10.0)}
"""Methods by the time of their runs."""


def call(name: str, expires_at: float = math.inf, seconds: float = 1.0) -> Waiter:
    return Waiter(name, expires_at, METHODS[seconds])


def names(calls: list[Waiter]) -> list[str]:
    return [each.name for each in calls]


def taken(waiting: WaitingCalls[Waiter], now: float) -> str | None:
    call, _ = waiting.take(now)
    return call.name if call is not None else None


def test_the_oldest_is_next() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    for name in "abc":
        assert waiting.add(call(name), 0.0) == []
    assert [taken(waiting, 1.0) for _ in range(4)] == ["a", "b", "c", None]


def test_the_newest_is_next_once_the_queue_was_not_empty_for_four_seconds() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(10)
    for name in "abc":
        waiting.add(call(name), 0.0)
    assert taken(waiting, 3.9) == "a"
    assert [taken(waiting, 4.1) for _ in range(2)] == ["c", "b"]
    waiting.add(call("d"), 5.0)
    waiting.add(call("e"), 5.0)
    assert taken(waiting, 5.0) == "d"  # it was empty, so this is not overload any more


def test_a_call_that_could_not_end_in_time_behind_the_others_is_refused_at_once() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(2)
    assert [names(waiting.add(call(name, expires_at=3.1), 0.0)) for name in "abcdef"] == [[]] * 5 + [["f"]]
    assert waiting.seconds == pytest.approx(2.5)


def test_a_call_whose_time_no_longer_suffices_is_not_started() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    waiting.add(call("late", expires_at=2.0), 0.0)
    waiting.add(call("in time", expires_at=9.0), 0.0)
    started, refused = waiting.take(1.5)
    assert (started and started.name, names(refused)) == ("in time", ["late"])


def test_a_single_call_is_always_started() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    assert waiting.add(call("slow once", expires_at=1.0, seconds=10.0), 0.0) == []
    assert taken(waiting, 0.5) == "slow once"


def test_under_overload_the_oldest_are_refused_until_a_second_of_work_is_left() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(2)
    for number in range(20):
        waiting.add(call(str(number), seconds=0.2), 0.0)
    refused = waiting.add(call("new", seconds=0.2), 5.0)
    assert names(refused) == [str(number) for number in range(11)]
    assert waiting.seconds == pytest.approx(1.0)
    assert taken(waiting, 5.0) == "new"


def test_under_overload_one_long_call_for_each_worker_may_wait() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(3)
    for name in "abcde":
        waiting.add(call(name, seconds=5.0), 0.0)
    assert names(waiting.add(call("f", seconds=5.0), 5.0)) == ["a", "b", "c"]


def test_a_call_that_is_not_awaited_any_more_is_no_work() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    one, other = call("one"), call("other")
    waiting.add(one, 0.0)
    waiting.add(other, 0.0)
    waiting.discard(one)
    waiting.discard(one)
    assert (len(waiting), waiting.seconds) == (1, 1.0)
    assert taken(waiting, 0.0) == "other"


def test_parts_of_calls_that_run_already_come_first_and_are_never_refused() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    waiting.add(call("call"), 0.0)
    assert waiting.add(Waiter("part", expires_at=0.0, service_time=None), 1.0) == []
    assert [taken(waiting, 9.0) for _ in range(2)] == ["part", "call"]


def of(caller: str, expires_at: float = math.inf, seconds: float = 1.0) -> Waiter:
    return Waiter(caller, expires_at, METHODS[seconds], caller)


@pytest.mark.parametrize("now", [1.0, 5.0])
def test_callers_take_turns(now: float) -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    for caller in ["much", "much", "much", "little"]:
        waiting.add(of(caller), 0.0)
    assert [taken(waiting, now) for _ in range(4)] == ["much", "little", "much", "much"]


def test_a_call_waits_for_its_share_of_the_calls_of_others_only() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    for _ in range(9):
        waiting.add(of("much"), 0.0)
    assert names(waiting.add(of("much", expires_at=5.0), 0.0)) == ["much"]
    assert waiting.add(of("little", expires_at=5.0), 0.0) == []


@pytest.mark.parametrize("now", [1.0, 5.0])
def test_methods_take_turns(now: float) -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    for name in ["slow", "slow", "slow", "quick", "quick"]:
        waiting.add(call(name, seconds=1.0 if name == "slow" else 0.001), 0.0)
    assert [taken(waiting, now) for _ in range(5)] == ["slow", "quick", "slow", "quick", "slow"]


def test_a_quick_method_is_called_beside_a_slow_one_that_is_overloaded() -> None:
    server = Server(10, 0.2, 5.0)
    for begin in range(60):
        for number in range(150):
            now = begin + number / 150
            server.arrive(call("slow", now + 5.0, 0.2), now)
            if number % 3 == 0:
                server.arrive(call("quick", now + 5.0, 0.001), now)
    quick = [at for at, name in server.answered if name == "quick"]
    slow = [at for at, name in server.answered if name == "slow"]
    assert len(quick) > 0.95 * 50 * 60
    assert len(slow) > 0.9 * 50 * 60


def test_under_overload_the_caller_with_the_most_calls_is_refused() -> None:
    waiting: WaitingCalls[Waiter] = WaitingCalls(1)
    waiting.add(of("little"), 0.0)
    for _ in range(9):
        waiting.add(of("much", seconds=0.5), 0.0)
    assert names(waiting.add(of("other", seconds=0.5), 5.0)) == ["much"] * 8 + ["little"]


class Server:
    """Workers in virtual time with calls that all take the same time and have the same deadline."""

    def __init__(self, workers: int, seconds: float, timeout: float) -> None:
        self.workers, self.seconds, self.timeout = workers, seconds, timeout
        self.time = taking(seconds)
        self.waiting: WaitingCalls[Waiter] = WaitingCalls(workers)
        self.in_time: list[float] = []
        self.failed: list[float] = []
        self.answered: list[tuple[float, str]] = []
        self._ends: list[tuple[float, float, str]] = []

    @property
    def capacity(self) -> float:
        return self.workers / self.seconds

    def offer(self, rate: float, begin: float, end: float) -> None:
        for number in range(int((end - begin) * rate)):
            now = begin + number / rate
            self.arrive(Waiter("", now + self.timeout, self.time), now)

    def arrive(self, call: Waiter, now: float) -> None:
        self.run_until(now)
        if len(self._ends) < self.workers:
            self._start(call, now)
        else:
            self.failed += [now] * len(self.waiting.add(call, now))

    def run_until(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            at, expires_at, name = heapq.heappop(self._ends)
            if at <= expires_at:
                self.answered.append((at, name))
            (self.in_time if at <= expires_at else self.failed).append(at)
            call, refused = self.waiting.take(at)
            self.failed += [at] * len(refused)
            if call is not None:
                self._start(call, at)

    def _start(self, call: Waiter, now: float) -> None:
        seconds = call.service_time.mean if call.service_time is not None else 0.0
        heapq.heappush(self._ends, (now + seconds, call.expires_at, call.name))

    def goodput(self, begin: float, end: float) -> float:
        """The share of the capacity that was answered in time."""
        return sum(begin <= at < end for at in self.in_time) / ((end - begin) * self.capacity)


@pytest.mark.parametrize(("workers", "seconds", "timeout"), [(10, 0.2, 3.0), (40, 0.2, 10.0), (40, 2.0, 10.0)])
@pytest.mark.parametrize("load", [1.5, 3.0, 10.0])
def test_an_overloaded_server_does_nine_tenths_of_what_it_can(
    workers: int, seconds: float, timeout: float, load: float
) -> None:
    server = Server(workers, seconds, timeout)
    server.offer(load * server.capacity, 0.0, 60.0)
    assert server.goodput(5.0, 60.0) >= 0.9


@pytest.mark.parametrize(("workers", "seconds"), [(10, 0.2), (40, 2.0)])
def test_two_seconds_after_the_overload_no_call_fails_any_more(workers: int, seconds: float) -> None:
    server = Server(workers, seconds, 10.0)
    server.offer(3 * server.capacity, 0.0, 40.0)
    assert server.failed
    server.offer(0.5 * server.capacity, 40.0, 60.0)
    assert [at for at in server.failed if at > 42.0] == []
    assert server.goodput(42.0, 60.0) >= 0.45


def test_a_burst_that_can_be_done_in_time_is_done() -> None:
    server = Server(40, 0.5, 10.0)
    server.offer(1e9, 0.0, 300 / 1e9)
    server.run_until(math.inf)
    assert (len(server.in_time), server.failed) == (300, [])
