"""Texts in JSON that are longer than what is looked at in one step."""

from __future__ import annotations

import pytest

from service_core.wire.bounds.json_windows import JSON_WINDOW, count_of, outside_strings, window_end


@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("string", [rb'"\\"', rb'"\"[,"', rb'"\\\"{"', rb'"a,b"'])
def test_a_string_is_left_out_wherever_a_step_ends_in_it(before: int, string: bytes) -> None:
    text = b"[" + b" " * (JSON_WINDOW - 1 - before) + string + b",1]"
    assert b"".join(outside_strings(text)).replace(b" ", b"") == b"[,1]"


def test_a_string_of_many_steps_is_left_out() -> None:
    text = b'["' + rb"\\[{,:" * JSON_WINDOW + b'",{}]'
    assert b"".join(outside_strings(text)) == b"[,{}]"


def test_a_step_does_not_part_a_backslash_from_what_it_escapes() -> None:
    assert window_end(rb"ab\"c", 0, 5, size=3) == 4
    assert window_end(rb"a\\bc", 0, 5, size=3) == 3


def test_bytes_are_counted_across_steps() -> None:
    assert count_of(b"a," * 1_100_000, b",") == 1_100_000
