"""Policies: fields that are set, fields that are not, and how several policies are merged."""

from __future__ import annotations

from dataclasses import fields

import pytest

from service_core import UNSET, EffectivePolicy, Policy


def test_the_default_timeout_is_finite() -> None:
    assert Policy().resolve().timeout == 10.0
    assert Policy().resolve().max_attempts == 3


def test_a_field_that_is_not_set_is_unset_and_none_means_no_limit() -> None:
    assert Policy(timeout=None).timeout is None
    assert Policy(timeout=None).max_attempts is UNSET
    assert Policy(timeout=None).settings() == {"timeout": None}
    assert repr(UNSET) == "UNSET"


def test_policies_are_merged_field_by_field_and_the_first_takes_precedence() -> None:
    merged = Policy.merge(Policy(timeout=None), None, Policy(timeout=2.0, max_attempts=1), Policy(max_attempts=5))
    assert merged == Policy(timeout=None, max_attempts=1)


def test_an_effective_policy_has_the_same_fields() -> None:
    assert [field.name for field in fields(EffectivePolicy)] == [field.name for field in fields(Policy)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_attempts": 0}, r"Policy\(max_attempts=0\): give it a number from 1 to 100$"),
        ({"max_attempts": None}, r"Policy\(max_attempts=None\): give it a number from 1 to 100$"),
        ({"retry_ratio": 1.5}, r"Policy\(retry_ratio=1\.5\): give it a number from 0 to 1"),
        ({"timeout": -1.0}, r"Policy\(timeout=-1\.0\): give it a number from 0 on, or None for no limit"),
        ({"timeout": float("nan")}, r"Policy\(timeout=nan\): give it a number from 0 on, or None for no limit"),
        ({"timeout": "5"}, r"Policy\(timeout='5'\): give it a number from 0 on, or None for no limit"),
    ],
)
def test_a_value_out_of_range_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy(**wrong)  # type: ignore[arg-type]


def test_none_means_one_attempt_and_no_ejection() -> None:
    policy = Policy.none(timeout=2.0).resolve()
    assert (policy.timeout, policy.max_attempts, policy.eject_after) == (2.0, 1, 0)
