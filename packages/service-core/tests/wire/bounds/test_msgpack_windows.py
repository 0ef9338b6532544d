"""Values that are longer than what is looked at in one step end where they end, and their headers do not lie."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from service_core.wire.bounds.msgpack_windows import Skipper

LONG = 600_000
"""More bytes than two steps look at."""
VALUES: list[Any] = [
    "x" * LONG,
    b"x" * LONG,
    [None] * LONG,
    {f"key {number}": [number] for number in range(LONG // 10)},
    [["some text", {"a": "y" * LONG}], "z" * LONG],
]


@pytest.mark.parametrize("value", VALUES, ids=["text", "bytes", "list", "map", "nested"])
@pytest.mark.parametrize("around", [b"", b"\x91" * 20])
def test_values_are_skipped_to_their_ends(value: Any, around: bytes) -> None:
    one = bytes(msgpack.packb(value) or b"")
    skipper = Skipper(memoryview(one + b"\xc0" + one), around=around)
    skipper.skip()
    assert skipper.position == len(one)
    if not around:
        skipper.skip(2)
        assert skipper.position == 2 * len(one) + 1


@pytest.mark.parametrize("value", VALUES, ids=["text", "bytes", "list", "map", "nested"])
@pytest.mark.parametrize("missing", [1, LONG // 3])
def test_a_value_that_is_cut_off_is_refused(value: Any, missing: int) -> None:
    one = bytes(msgpack.packb(value) or b"")
    with pytest.raises(msgpack.OutOfData):
        Skipper(one[:-missing]).skip()


def test_the_items_of_a_long_map_are_counted_and_skipped_one_by_one() -> None:
    one = bytes(msgpack.packb(dict.fromkeys(range(2000), "x" * 1000)) or b"")
    skipper = Skipper(one)
    count = skipper.enter(is_map=True)
    skipper.skip(2 * count)
    assert (count, skipper.position) == (2000, len(one))
