"""One call: its deadline, its policy and its correlation id."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from service_core.call import Call
from service_core.context import CallContext, Deadline, call_context, deadline
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service, with_policy
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import EffectivePolicy, Policy

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self, item: str, *, count: int = 1) -> None: ...

    @with_policy(Policy(timeout=60.0))
    def settle(self) -> None: ...


ORDERS = CATALOG.service(Orders)


def call(method: str = "place", policy: EffectivePolicy | None = None) -> Call:
    return Call(ORDERS, ORDERS.methods[method], ("tea",), {"count": 2}, policy)


def test_the_deadline_is_that_of_the_context() -> None:
    with deadline(60) as limit:
        assert call().deadline is limit


@pytest.mark.parametrize(("timeout", "seconds"), [(5.0, 5.0), (None, math.inf)])
def test_else_it_is_the_timeout_of_the_policy_from_the_start_of_the_call(timeout: float | None, seconds: float) -> None:
    made = call(policy=EffectivePolicy(timeout=timeout))
    assert made.deadline == Deadline(made.started + seconds)


def test_without_a_policy_that_of_the_method_counts() -> None:
    assert call("settle").policy == replace(EffectivePolicy(), timeout=60.0)


def test_another_channel_s_timeout_counts_from_the_start_of_the_call_too() -> None:
    made = call()
    made.adopt(EffectivePolicy(timeout=3.0))
    assert made.deadline == Deadline(made.started + 3.0)


def test_the_correlation_id_is_that_of_the_context_else_a_new_one_for_the_call() -> None:
    with call_context(CallContext(correlation_id="abc")):
        assert call().correlation_id == "abc"
    made = call()
    assert made.correlation_id == made.correlation_id
    assert made.correlation_id != call().correlation_id


def test_a_call_shows_service_method_and_arguments_but_not_in_its_representation() -> None:
    made = call()
    assert (made.type, made.method, made.args, made.kwargs) == (Orders, Orders.place, ("tea",), {"count": 2})
    assert made.arguments() == ("tea", 2)
    assert repr(made) == "Call(Orders.place)"
