"""A fault plan decides for each attempt what goes wrong with it."""

from __future__ import annotations

import math

import pytest

from service_core import default_catalog
from service_core.testing import Fate, FaultPlan
from service_core.testing.contract_service import ContractService

METHODS = default_catalog.service(ContractService).methods
COUNT, ADD = METHODS["count"], METHODS["add"]
URL = "memory://1"


def test_without_faults_all_goes_well() -> None:
    assert FaultPlan().next(COUNT, URL) == Fate()


def test_a_fault_is_for_all_attempts_until_it_is_cleared() -> None:
    plan = FaultPlan()
    plan.refuse()
    assert [plan.next(COUNT, URL).refused for _ in range(3)] == [True] * 3
    plan.clear()
    assert plan.next(COUNT, URL) == Fate()


def test_a_fault_can_be_for_a_number_of_attempts() -> None:
    plan = FaultPlan()
    plan.lose_answer(times=2)
    assert [plan.next(COUNT, URL).answer_lost for _ in range(3)] == [True, True, False]


def test_a_fault_can_be_for_one_method() -> None:
    plan = FaultPlan()
    plan.refuse(ContractService.count, times=1)
    assert not plan.next(ADD, URL).refused
    assert plan.next(COUNT, URL).refused


def test_a_fault_can_be_for_one_server() -> None:
    plan = FaultPlan()
    plan.refuse(url=URL, times=1)
    assert not plan.next(COUNT, "memory://2").refused
    assert plan.next(COUNT, URL).refused


def test_faults_add_up() -> None:
    plan = FaultPlan()
    plan.delay(0.5)
    plan.delay(0.25, times=1)
    plan.lose_answer(times=1)
    assert plan.next(COUNT, URL) == Fate(delay=0.75, answer_lost=True)
    assert plan.next(COUNT, URL) == Fate(delay=0.5)


def test_what_is_dropped_never_arrives() -> None:
    plan = FaultPlan()
    plan.drop()
    assert plan.next(COUNT, URL) == Fate(delay=math.inf)


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_a_negative_delay_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"FaultPlan\.delay\((-1\.0|nan)\): a request cannot arrive before it is sent"):
        FaultPlan().delay(seconds)
