"""The rate of errors that are an instance's own, and which errors those are."""

from __future__ import annotations

import pytest

from service_core.errors import AuthorizationException, ErrorCode, RemoteServiceException, ServiceException
from service_core.resilience.error_rate import ErrorRate, is_instance_fault


def rate_after(*errors: bool) -> float:
    rate = ErrorRate()
    for error in errors:
        rate.answered(1000.0, error=error)
    return rate.at(1000.0)


def test_one_error_counts_little_and_seven_in_a_row_much() -> None:
    assert rate_after(True) == pytest.approx(0.2)
    assert rate_after(*[True] * 7) > 0.75 > rate_after(*[True] * 6)


def test_results_lower_the_rate_until_it_is_zero() -> None:
    assert rate_after(True, False) == pytest.approx(0.16)
    assert rate_after(True, *[False] * 40) == 0.0


def test_the_rate_fades_without_answers() -> None:
    rate = ErrorRate()
    for _ in range(20):
        rate.answered(1000.0, error=True)
    assert rate.at(1010.0) < 0.4
    assert rate.at(1060.0) < 0.01


def downstream() -> ServiceException:
    error = RemoteServiceException("the other server failed", code=ErrorCode.INTERNAL)
    error.downstream = True
    return error


@pytest.mark.parametrize(
    ("error", "its_fault"),
    [
        (RemoteServiceException("no database", code=ErrorCode.INTERNAL), True),
        (downstream(), False),
        (RemoteServiceException("no such order", code=ErrorCode.NOT_FOUND), False),
        (RemoteServiceException("wrong", code=ErrorCode.INVALID_ARGUMENT), False),
        (AuthorizationException("not allowed"), False),
        (KeyError("declared"), False),
    ],
)
def test_only_internal_errors_without_a_cause_downstream_are_the_instances_fault(
    error: BaseException, its_fault: bool
) -> None:
    assert is_instance_fault(error) is its_fault
