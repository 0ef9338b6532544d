"""How much a client does for a call: values that make sense, and none for those who want none."""

from __future__ import annotations

import pytest

from service_core import Policy


def test_the_default_is_finite() -> None:
    assert Policy().timeout == 10.0
    assert Policy().max_attempts == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_attempts": 0}, r"Policy\(max_attempts=0\) must be between 1 and 100"),
        ({"retry_ratio": 1.5}, r"Policy\(retry_ratio=1\.5\) must be between 0 and 1"),
        ({"timeout": -1.0}, r"Policy\(timeout=-1\.0\) must be between 0 and inf"),
    ],
)
def test_a_value_out_of_range_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy(**wrong)  # type: ignore[arg-type]


def test_none_means_one_attempt_and_nobody_avoided() -> None:
    policy = Policy.none(timeout=2.0)
    assert (policy.timeout, policy.max_attempts, policy.eject_after) == (2.0, 1, 0)
