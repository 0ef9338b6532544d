"""The retry budget: what calls earn, what is in reserve, and that it is forgotten after ten seconds."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

from service_core.resilience.retry_budget import RetryBudget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spend(budget: RetryBudget) -> int:
    """How many retries are allowed now."""
    return sum(1 for _ in itertools.takewhile(bool, iter(budget.retry, None)))


def test_calls_earn_their_ratio() -> None:
    clock = Clock()
    budget = RetryBudget(0.2, 0.0, clock)
    for _ in range(100):
        budget.call(clock())
    assert spend(budget) == 20


def test_without_calls_there_is_the_reserve() -> None:
    assert spend(RetryBudget(0.2, 10.0, Clock())) == 100


def test_without_ratio_and_reserve_there_is_no_retry() -> None:
    clock = Clock()
    budget = RetryBudget(0.0, 0.0, clock)
    budget.call(clock())
    assert not budget.retry()


def test_what_was_spent_comes_back_after_the_window() -> None:
    clock = Clock()
    budget = RetryBudget(0.0, 1.0, clock)
    assert spend(budget) == 10
    clock.now += 9
    assert not budget.retry()
    clock.now += 1
    assert spend(budget) == 10


def test_old_calls_earn_nothing() -> None:
    clock = Clock()
    budget = RetryBudget(0.5, 0.0, clock)
    for _ in range(10):
        budget.call(clock())
    clock.now += 10
    assert not budget.retry()


def test_threads_together_get_no_more_than_there_is() -> None:
    budget = RetryBudget(0.0, 5.0, Clock())
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: budget.retry(), range(400)))
    assert sum(allowed) == 50
