"""Callers that share places: one cannot keep the others from having any."""

from __future__ import annotations

import pytest

from service_core.context import CallContext
from service_core.dispatch.overload.fixed_limit import FixedLimit
from service_core.dispatch.overload.overloaded import Overloaded
from service_core.dispatch.overload.shares import caller_of

NEVER = float("inf")


def enter(limit: FixedLimit, caller: str, now: float = 0.0) -> bool:
    try:
        limit.enter(caller, now, NEVER)
    except Overloaded:
        return False
    return True


def test_one_caller_may_have_all_places() -> None:
    limit = FixedLimit(3)
    assert [enter(limit, "a") for _ in range(4)] == [True, True, True, False]
    limit.leave("a", 0.0)
    assert enter(limit, "a")


def test_a_caller_with_all_places_gives_up_those_that_another_caller_requests() -> None:
    limit = FixedLimit(4)
    for _ in range(4):
        assert enter(limit, "much")
    assert not enter(limit, "little")
    for _ in range(2):
        limit.leave("much", 0.0)
        assert not enter(limit, "much", 0.5)
        assert enter(limit, "little", 0.5)


def test_the_share_is_given_back_when_the_other_caller_needs_it_no_more() -> None:
    limit = FixedLimit(2)
    assert enter(limit, "much")
    assert enter(limit, "much")
    assert not enter(limit, "little", 0.0)
    limit.leave("much", 0.0)
    assert not enter(limit, "much", 0.9)
    assert enter(limit, "much", 1.1)


def test_more_callers_than_places_have_one_each() -> None:
    limit = FixedLimit(2)
    callers = list("abcde")
    assert [enter(limit, caller) for caller in callers] == [True, True, False, False, False]
    limit.leave("a", 0.0)
    assert [enter(limit, caller, 0.1) for caller in "bc"] == [False, True]


def test_refused_calls_are_counted() -> None:
    limit = FixedLimit(1)
    enter(limit, "a")
    enter(limit, "a")
    assert limit.view() == {"running": 1, "limit": 1, "refused": 1}


@pytest.mark.parametrize(
    ("context", "caller"),
    [
        (CallContext(), None),
        (CallContext(principal="ann", token="t"), "ann"),
        (CallContext(principal=["no", "key"], token="t"), "t"),
    ],
)
def test_a_caller_is_a_principal_or_its_token(context: CallContext, caller: object) -> None:
    assert caller_of(context) == caller
