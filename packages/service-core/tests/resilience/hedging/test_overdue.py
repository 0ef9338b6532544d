"""When an attempt is overdue: learned from answers, set by a policy, or never."""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service_core.call import Call
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import idempotent, service, with_policy
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import DeclarationException
from service_core.resilience.hedging.overdue import AnswerTimes, Overdue

CATALOG = Catalog()


@service(catalog=CATALOG)
class Prices(Service):
    @abstractmethod
    @idempotent
    def of(self, product: str) -> int: ...

    @abstractmethod
    @idempotent
    @with_policy(Policy(hedge_after=0.5))
    def soon(self) -> int: ...

    @abstractmethod
    @idempotent
    def changes(self) -> AsyncIterator[int]: ...


PRICES = CATALOG.service(Prices)


def call(method: str, **policy: Any) -> Call:
    descriptor = PRICES.methods[method]
    return Call(PRICES, descriptor, policy=Policy.merge(descriptor.policy, Policy(**policy)).resolve())


def times(*seconds: float) -> AnswerTimes:
    answers = AnswerTimes()
    for each in seconds:
        answers.observe(each)
    return answers


def test_before_the_first_answer_an_attempt_is_overdue_after_a_second() -> None:
    assert Overdue().after(call("of")) == times().overdue_after == 1.0


def test_a_fast_method_is_overdue_after_200_milliseconds() -> None:
    assert times(*[0.003] * 50).overdue_after == 0.2


def test_a_slow_method_is_overdue_after_twice_the_time_of_its_slow_answers() -> None:
    assert 8.0 <= times(*[4.0] * 50).overdue_after <= 8.0 * 1.25


def test_one_slow_answer_of_a_thousand_changes_nothing() -> None:
    assert times(*[0.01] * 300, 5.0, *[0.01] * 300).overdue_after == 0.2


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_slow_answers_that_belong_to_the_method_are_not_overdue(share: float) -> None:
    dice, answers = random.Random(7), AnswerTimes()
    for _ in range(2000):
        answers.observe(2.0 if dice.random() < share else 0.01)
    assert answers.overdue_after > 2.0


def test_a_method_that_becomes_slow_is_not_overdue_after_a_few_answers() -> None:
    answers = times(*[0.01] * 900, *[3.0] * 20)
    assert answers.overdue_after > 3.0


def test_slow_answers_are_forgotten() -> None:
    answers = times(*[3.0] * 100, *[0.01] * 20_000)
    assert answers.overdue_after == 0.2


def test_answers_of_days_are_counted() -> None:
    assert times(1e9).overdue_after > 60_000


def test_a_policy_takes_precedence() -> None:
    overdue = Overdue()
    overdue.observe(PRICES.methods["soon"], 0.01)
    assert overdue.after(call("soon")) == 0.5
    assert overdue.after(call("of", hedge_after=0.05)) == 0.05


@pytest.mark.parametrize(
    "never", [call("of", hedge_after=None), call("of", max_attempts=1), call("changes")], ids=["off", "once", "stream"]
)
def test_some_calls_are_never_overdue(never: Call) -> None:
    assert Overdue().after(never) == math.inf


def test_a_method_that_is_not_idempotent_cannot_be_hedged() -> None:
    catalog = Catalog()

    @service(catalog=catalog)
    class Orders(Service):
        @with_policy(Policy(hedge_after=0.1))
        def place(self) -> None: ...

    with pytest.raises(DeclarationException, match=r"Orders\.place: Policy\(hedge_after=\.\.\.\).*@idempotent"):
        catalog.service(Orders)


def test_a_stream_cannot_be_hedged() -> None:
    catalog = Catalog()

    @service(catalog=catalog)
    class Orders(Service):
        @abstractmethod
        @idempotent
        @with_policy(Policy(hedge_after=0.1))
        def changes(self) -> AsyncIterator[int]: ...

    with pytest.raises(DeclarationException, match=r"Orders\.changes: a stream is sent once"):
        catalog.service(Orders)
