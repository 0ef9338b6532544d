"""A fault plan decides for each attempt what goes wrong with it."""

from __future__ import annotations

import math

import pytest

from service_core import default_catalog
from service_core.testing import FaultPlan, PlannedFaults
from service_core.testing.contract_service import ContractService

METHODS = default_catalog.service(ContractService).methods
COUNT, ADD = METHODS["count"], METHODS["add"]
URL = "memory://1"


def test_without_faults_all_goes_well() -> None:
    assert FaultPlan().next(COUNT, URL) == PlannedFaults()


def test_a_fault_is_for_all_attempts_until_it_is_cleared() -> None:
    method_codec = FaultPlan()
    method_codec.refuse()
    assert [method_codec.next(COUNT, URL).refused for _ in range(3)] == [True] * 3
    method_codec.clear()
    assert method_codec.next(COUNT, URL) == PlannedFaults()


def test_a_fault_can_be_for_a_number_of_attempts() -> None:
    method_codec = FaultPlan()
    method_codec.lose_answer(times=2)
    assert [method_codec.next(COUNT, URL).answer_lost for _ in range(3)] == [True, True, False]


def test_a_fault_can_be_for_one_method() -> None:
    method_codec = FaultPlan()
    method_codec.refuse(ContractService.count, times=1)
    assert not method_codec.next(ADD, URL).refused
    assert method_codec.next(COUNT, URL).refused


def test_a_fault_can_be_for_one_server() -> None:
    method_codec = FaultPlan()
    method_codec.refuse(url=URL, times=1)
    assert not method_codec.next(COUNT, "memory://2").refused
    assert method_codec.next(COUNT, URL).refused


def test_faults_add_up() -> None:
    method_codec = FaultPlan()
    method_codec.delay(0.5)
    method_codec.delay(0.25, times=1)
    method_codec.lose_answer(times=1)
    assert method_codec.next(COUNT, URL) == PlannedFaults(delay=0.75, answer_lost=True)
    assert method_codec.next(COUNT, URL) == PlannedFaults(delay=0.5)


def test_what_is_dropped_never_arrives() -> None:
    method_codec = FaultPlan()
    method_codec.drop()
    assert method_codec.next(COUNT, URL) == PlannedFaults(delay=math.inf)


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_a_negative_delay_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"FaultPlan\.delay\((-1\.0|nan)\): a request cannot arrive before it is sent"):
        FaultPlan().delay(seconds)
