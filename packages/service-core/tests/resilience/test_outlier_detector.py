"""Ejection: when, for how long, how many at once, and the way back."""

from __future__ import annotations

import pytest

from service_core import EffectivePolicy, Endpoint
from service_core.resilience.outlier_detector import OutlierDetector


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def endpoints(count: int) -> list[Endpoint]:
    return [Endpoint(f"http://127.0.0.1:{port}") for port in range(1, count + 1)]


def fail(outliers: OutlierDetector, endpoint: Endpoint, among: list[Endpoint], times: int) -> list[bool]:
    return [outliers.failed(endpoint, among) for _ in range(times)]


def test_five_failures_in_a_row_eject() -> None:
    clock, all_of_them = Clock(), endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(), clock)
    assert fail(outliers, all_of_them[0], all_of_them, 5) == [False, False, False, False, True]
    assert outliers.usable(all_of_them) == all_of_them[1:]


def test_a_success_in_between_starts_the_count_again() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    fail(outliers, all_of_them[0], all_of_them, 4)
    outliers.succeeded(all_of_them[0])
    assert not any(fail(outliers, all_of_them[0], all_of_them, 4))


def test_it_comes_back_after_its_time_on_probation() -> None:
    clock, all_of_them = Clock(), endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_for=30.0), clock)
    fail(outliers, all_of_them[0], all_of_them, 5)
    clock.now += 30
    assert outliers.usable(all_of_them) == all_of_them
    assert outliers.failed(all_of_them[0], all_of_them)  # one more failure is enough
    clock.now += 59
    assert outliers.is_ejected(all_of_them[0])  # and the second time it is twice as long
    clock.now += 1
    assert not outliers.is_ejected(all_of_them[0])


def ejected_for(outliers: OutlierDetector, endpoint: Endpoint, clock: Clock) -> float:
    """Wait until an ejected endpoint is back."""
    since = clock.now
    clock.now = outliers.ejected[endpoint]
    assert not outliers.is_ejected(endpoint)
    return clock.now - since


@pytest.mark.parametrize(("eject_for", "longest"), [(30.0, 300.0), (600.0, 600.0)])
def test_an_ejection_has_a_longest_time(eject_for: float, longest: float) -> None:
    clock, all_of_them = Clock(), endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_for=eject_for), clock)
    fail(outliers, all_of_them[0], all_of_them, 4)
    durations = []
    for _ in range(76):  # a day
        assert outliers.failed(all_of_them[0], all_of_them)
        durations.append(ejected_for(outliers, all_of_them[0], clock))
    assert durations[:3] == [min(eject_for * count, longest) for count in (1, 2, 3)]
    assert max(durations) == longest


@pytest.mark.parametrize(("well_for", "next_time"), [(60.0, 90.0), (60.1, 30.0)])
def test_ejections_are_forgotten_after_health_that_lasts_longer_than_the_last_one(
    well_for: float, next_time: float
) -> None:
    clock, all_of_them = Clock(), endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_for=30.0), clock)
    fail(outliers, all_of_them[0], all_of_them, 5)
    ejected_for(outliers, all_of_them[0], clock)
    outliers.failed(all_of_them[0], all_of_them)
    assert ejected_for(outliers, all_of_them[0], clock) == 60.0
    outliers.succeeded(all_of_them[0])
    clock.now += well_for
    fail(outliers, all_of_them[0], all_of_them, 5)
    assert ejected_for(outliers, all_of_them[0], clock) == pytest.approx(next_time)


def test_time_without_calls_is_no_health() -> None:
    clock, all_of_them = Clock(), endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_for=30.0), clock)
    fail(outliers, all_of_them[0], all_of_them, 5)
    clock.now += 86400
    assert outliers.failed(all_of_them[0], all_of_them)
    assert ejected_for(outliers, all_of_them[0], clock) == 60.0


def test_at_most_half_are_ejected() -> None:
    all_of_them = endpoints(4)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    ejected = [any(fail(outliers, endpoint, all_of_them, 10)) for endpoint in all_of_them]
    assert ejected == [True, True, False, False]


def test_the_last_one_is_never_ejected() -> None:
    only = endpoints(1)
    outliers = OutlierDetector(EffectivePolicy(max_ejected=1.0), Clock())
    assert not any(fail(outliers, only[0], only, 100))


def test_if_too_many_are_out_all_get_calls() -> None:
    all_of_them = endpoints(4)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    for endpoint in all_of_them[:2]:
        fail(outliers, endpoint, all_of_them, 5)
    left = all_of_them[:3]  # one of the good ones is gone: two of three are ejected
    assert outliers.usable(left) == left


def test_an_endpoint_that_was_removed_is_no_longer_ejected() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    fail(outliers, all_of_them[0], all_of_them, 5)
    outliers.keep(all_of_them[1:])
    assert outliers.usable(all_of_them) == all_of_them


def test_no_instance_is_ejected_if_that_is_off() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_after=0), Clock())
    assert not any(fail(outliers, all_of_them[0], all_of_them, 100))


def answer_with_errors(outliers: OutlierDetector, endpoint: Endpoint, among: list[Endpoint], times: int) -> list[bool]:
    outcomes = []
    for _ in range(times):
        endpoint.errors.answered(1000.0, error=True)
        outcomes.append(outliers.answered_with_error(endpoint, among))
    return outcomes


def test_a_rate_of_errors_that_others_do_not_have_ejects() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    assert answer_with_errors(outliers, all_of_them[0], all_of_them, 8) == [False] * 6 + [True, False]
    assert outliers.usable(all_of_them) == all_of_them[1:]


def test_errors_that_all_instances_have_eject_none() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(), Clock())
    for _ in range(10):
        for endpoint in all_of_them:
            assert answer_with_errors(outliers, endpoint, all_of_them, 1) == [False]


def test_a_single_instance_is_not_ejected_for_its_errors() -> None:
    [only] = endpoints(1)
    assert not any(answer_with_errors(OutlierDetector(EffectivePolicy(), Clock()), only, [only], 10))


def test_errors_eject_nothing_where_ejection_is_switched_off() -> None:
    all_of_them = endpoints(3)
    outliers = OutlierDetector(EffectivePolicy(eject_after=0), Clock())
    assert not any(answer_with_errors(outliers, all_of_them[0], all_of_them, 10))
