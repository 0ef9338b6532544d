from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_registry_consul.connection.backoff import MAX_DELAY, TokenBucket, backoff, jitter, next_index, parse_index


@pytest.mark.parametrize(("header", "index"), [("1", 1), ("57", 57), ("0", 1), ("18446744073709551615", 2**64 - 1)])
def test_an_index_is_a_number_of_at_least_one(header: str, index: int) -> None:
    assert parse_index(header) == index


@pytest.mark.parametrize("header", [None, "", "-1", "1.5", "abc", "٣", "1" * 5000])
def test_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(ValueError, match="X-Consul-Index"):
        parse_index(header)


@pytest.mark.parametrize(
    ("previous", "answered", "following"),
    [(0, 7, 7), (7, 7, 7), (7, 8, 8), (8, 7, 0), (0, 1, 1)],
)
def test_an_index_that_goes_backwards_starts_over(previous: int, answered: int, following: int) -> None:
    assert next_index(previous, answered) == following


def test_a_full_bucket_lets_two_pass_at_once() -> None:
    bucket = TokenBucket(burst=2, refill=0.5)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.5, 1.0]


def test_a_bucket_fills_up_again_but_never_beyond_its_size() -> None:
    bucket = TokenBucket(burst=2, refill=0.5)
    for _ in range(2):
        bucket.take(10.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_a_bucket_without_refill_time_never_makes_wait() -> None:
    bucket = TokenBucket(refill=0.0)
    assert {bucket.take(1.0) for _ in range(10)} == {0.0}


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_no_interval_sees_more_than_its_share(work: list[float]) -> None:
    """Whatever the steps between take: in t seconds at most burst + t / refill pass."""
    bucket, now = TokenBucket(burst=2, refill=0.5), 0.0
    for passed, step in enumerate(work, start=1):
        now += step
        now += bucket.take(now)
        assert passed <= 2 + now / 0.5 + 1e-6


@given(st.integers(1, 10_000), st.floats(0.1, 60))
def test_backoff_grows_to_its_limit_and_is_never_nothing(failures: int, longest: float) -> None:
    assert 0.05 <= backoff(failures, longest) <= longest


def test_backoff_doubles() -> None:
    assert max(backoff(1) for _ in range(50)) <= 0.25
    assert min(backoff(3) for _ in range(50)) >= 0.5
    assert min(backoff(50) for _ in range(50)) >= MAX_DELAY / 2


def test_jitter_does_not_follow_the_seed_of_the_program() -> None:
    before = random.getstate()
    drawn = set()
    for _ in range(2):
        random.seed(1)
        seeded = random.getstate()
        drawn.add(jitter(0.5, 1.0))
        assert random.getstate() == seeded
    random.setstate(before)
    assert len(drawn) == 2
    assert all(0.5 <= number <= 1.0 for number in drawn)
