"""NaN and infinity are found wherever they stand in a text."""

from __future__ import annotations

import pytest

from service_core.wire.bounds.infinite import may_be_infinite

WINDOW = 256 * 1024


@pytest.mark.parametrize("name", [b"NaN", b"Infinity", b"-Infinity"])
@pytest.mark.parametrize("before", [0, 100, *range(WINDOW - 10, WINDOW + 2), 2 * WINDOW - 2])
def test_a_name_is_found_across_steps(name: bytes, before: int) -> None:
    assert may_be_infinite(b" " * before + name + b" " * (WINDOW if before else 0))


@pytest.mark.parametrize("size", [0, 100, WINDOW, 3 * WINDOW])
def test_a_text_without_the_names_is_finite(size: int) -> None:
    assert not may_be_infinite(b"Nam" * (size // 3) + b"Infinit")
