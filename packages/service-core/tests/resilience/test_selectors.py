"""Which instance gets the next call."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core.resilience import selectors
from service_core.resilience.selectors import (
    Endpoint,
    FirstURLSelector,
    LeastLoadedURLSelector,
    RoundRobinURLSelector,
)


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("service_core.resilience.selectors.endpoint.time", clock)
    return clock


@pytest.fixture(autouse=True)
def repeatable() -> Iterator[None]:
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


def endpoints(count: int) -> list[Endpoint]:
    return [Endpoint(f"http://h{number}") for number in range(count)]


def chosen(selector: selectors.URLSelector, known: list[Endpoint], times: int) -> Counter[str]:
    return Counter(selector.select(known).url for _ in range(times))


def test_first_is_always_the_first() -> None:
    known = endpoints(3)
    assert chosen(FirstURLSelector(), known, 5) == {"http://h0": 5}


def test_round_robin_goes_through_all_in_turn() -> None:
    selector, known = RoundRobinURLSelector(), endpoints(3)
    assert [selector.select(known).url[-1] for _ in range(7)] == list("0120120")


def test_round_robin_follows_a_list_that_shrinks_and_grows() -> None:
    selector, known = RoundRobinURLSelector(), endpoints(5)
    for count in (5, 1, 4, 2, 5, 1):
        assert selector.select(known[:count]) in known[:count]


def test_round_robin_gives_no_turn_to_two_threads() -> None:
    selector, known = RoundRobinURLSelector(), endpoints(4)
    together = threading.Barrier(16)

    def choose(_: int) -> Counter[str]:
        together.wait(10)
        return chosen(selector, known, 1000)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(choose, range(16)), Counter()) == {endpoint.url: 4000 for endpoint in known}


def test_round_robin_survives_a_list_that_shrinks_under_16_threads() -> None:
    selector, known = RoundRobinURLSelector(), endpoints(8)
    together = threading.Barrier(16)

    def choose(number: int) -> bool:
        together.wait(10)
        return all(selector.select(known[: 1 + (number + turn) % 8]) in known for turn in range(1000))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(choose, range(16)))


def test_least_loaded_takes_the_only_one() -> None:
    (only,) = endpoints(1)
    only.in_flight = 1000
    assert LeastLoadedURLSelector().select([only]) is only


def test_least_loaded_of_two_prefers_fewer_calls_in_flight() -> None:
    busy, idle = endpoints(2)
    for endpoint in (busy, idle):
        endpoint.observe(0.01)
    busy.in_flight = 2
    assert chosen(LeastLoadedURLSelector(), [busy, idle], 100) == {idle.url: 100}


def test_least_loaded_of_two_prefers_the_faster_one() -> None:
    slow, fast = endpoints(2)
    slow.observe(0.5)
    fast.observe(0.01)
    assert chosen(LeastLoadedURLSelector(), [slow, fast], 100) == {fast.url: 100}


def test_least_loaded_spreads_calls_over_equal_instances() -> None:
    known = endpoints(4)
    shares = chosen(LeastLoadedURLSelector(), known, 4000)
    assert {endpoint.url for endpoint in known} == set(shares)
    assert all(850 < share < 1150 for share in shares.values())


def test_least_loaded_never_compares_an_instance_with_itself() -> None:
    known = endpoints(3)
    known[0].observe(0.5)
    for endpoint in known[1:]:
        endpoint.observe(0.01)
    assert known[0].url not in chosen(LeastLoadedURLSelector(), known, 1000)


def test_a_new_instance_is_tried_at_once_but_not_by_everybody(clock: Clock) -> None:
    known, new = endpoints(2)
    known.observe(0.01)
    assert chosen(LeastLoadedURLSelector(), [known, new], 10) == {new.url: 10}
    new.in_flight = 1  # and does not answer
    assert chosen(LeastLoadedURLSelector(), [known, new], 10) == {known.url: 10}


def test_an_instance_that_never_answered_is_avoided_after_the_wait(clock: Clock) -> None:
    good, silent = endpoints(2)
    good.observe(0.01)
    silent.wait_ended(10.0)
    assert chosen(LeastLoadedURLSelector(), [good, silent], 10) == {good.url: 10}


def test_a_short_wait_says_nothing_about_a_slow_instance(clock: Clock) -> None:
    (slow,) = endpoints(1)
    slow.observe(0.5)
    slow.wait_ended(0.001)
    assert slow.cost == pytest.approx(0.5)


def test_a_peak_counts_at_once_and_decays_between_queries(clock: Clock) -> None:
    (endpoint,) = endpoints(1)
    endpoint.observe(0.01)
    endpoint.observe(1.0)
    assert endpoint.cost == pytest.approx(1.0)
    clock.now += 3.0
    assert endpoint.cost == pytest.approx(1.0 / 2.71828, rel=1e-3)


def test_quick_answers_pull_the_latency_down_over_time(clock: Clock) -> None:
    (endpoint,) = endpoints(1)
    endpoint.observe(1.0)
    clock.now += 3.0
    endpoint.observe(0.01)
    assert endpoint.cost == pytest.approx(0.01 + 0.99 / 2.71828, rel=1e-2)


def test_an_instance_that_was_slow_once_is_tried_again(clock: Clock) -> None:
    good, slow = endpoints(2)
    slow.observe(1.0)
    clock.now += 60.0
    good.observe(0.01)
    assert chosen(LeastLoadedURLSelector(), [good, slow], 10) == {slow.url: 10}


def test_an_instance_that_fails_at_once_does_not_look_like_the_fastest(clock: Clock) -> None:
    busy, failing = endpoints(2)
    busy.observe(0.5)
    busy.in_flight = 10
    failing.observe(0.01)
    for _ in range(4):
        failing.failed(0.0)
    assert chosen(LeastLoadedURLSelector(), [busy, failing], 10) == {busy.url: 10}


def test_an_instance_that_failed_is_tried_again_after_a_while(clock: Clock) -> None:
    good, failing = endpoints(2)
    good.observe(0.01)
    failing.failed(0.0)
    assert chosen(LeastLoadedURLSelector(), [good, failing], 10) == {good.url: 10}
    clock.now += 20.0
    good.observe(0.01)
    assert chosen(LeastLoadedURLSelector(), [good, failing], 10) == {failing.url: 10}


def test_an_answer_makes_good_for_failures_before_it(clock: Clock) -> None:
    one, other = endpoints(2)
    one.observe(0.02)
    for _ in range(3):
        other.failed(0.0)
    other.observe(0.01)
    assert chosen(LeastLoadedURLSelector(), [one, other], 10) == {other.url: 10}


def test_an_answer_in_no_time_is_known(clock: Clock) -> None:
    (endpoint,) = endpoints(1)
    endpoint.observe(0.0)
    endpoint.in_flight = 1
    assert 0 < endpoint.cost <= 0.01


def test_a_difference_that_is_noise_does_not_decide_which_instance_gets_the_calls(clock: Clock) -> None:
    one, other = endpoints(2)
    one.observe(0.0005)
    other.observe(0.004)
    shares = chosen(LeastLoadedURLSelector(), [one, other], 1000)
    assert all(share > 400 for share in shares.values())
    assert len(shares) == 2


def test_the_repr_shows_the_load() -> None:
    assert repr(Endpoint("http://h")) == "Endpoint('http://h', in_flight=0, latency=0.000000)"


def test_an_instance_whose_answers_are_errors_does_not_look_like_the_fastest(clock: Clock) -> None:
    good, broken = endpoints(2)
    good.observe(0.05)
    good.in_flight = 8
    for _ in range(4):
        broken.answered_with_error(0.001)
    assert chosen(LeastLoadedURLSelector(), [good, broken], 10) == {good.url: 10}
    clock.now += 20.0
    good.observe(0.05)
    assert chosen(LeastLoadedURLSelector(), [good, broken], 10) == {broken.url: 10}


def test_one_error_among_results_hardly_changes_the_cost(clock: Clock) -> None:
    [one] = endpoints(1)
    for _ in range(10):
        one.observe(0.05)
    before = one.cost
    one.answered_with_error(0.001)
    for _ in range(10):
        one.observe(0.05)
    assert one.cost == pytest.approx(before, rel=0.1)
