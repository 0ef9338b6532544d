"""Where msgpack is cut, and what cannot be cut."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from service_core.wire import MalformedData
from service_core.wire.large_values.msgpack_splitter import MsgpackSplitter
from service_core.wire.large_values.splitter import ITEMS, LIST, MAP


def packed(value: Any) -> bytes:
    return bytes(msgpack.packb(value) or b"")


@pytest.mark.parametrize("items", [[], [1], list(range(10 * ITEMS)), [{}, [], "", {"a": [1]}, None] * ITEMS], ids=len)
def test_the_pieces_of_a_list_are_its_items_in_order(items: list[Any]) -> None:
    splitter = MsgpackSplitter(packed(items))
    runs = list(splitter.runs(splitter.whole))
    assert [item for run in runs for item in msgpack.unpackb(splitter.document(LIST, run))] == items
    assert sum(map(splitter.count, runs)) == len(items)
    singles = [splitter.item(one) for run in runs for one in splitter.singles(LIST, run)]
    assert [msgpack.unpackb(splitter.text(span)) for span in singles] == items


def test_a_pair_is_cut_behind_its_key() -> None:
    splitter = MsgpackSplitter(packed({"a": [1, 2], "b": 3}))
    [run] = splitter.runs(splitter.whole)
    pairs = [splitter.pair(one) for one in splitter.singles(MAP, run)]
    assert [(key, splitter.plain(splitter.text(span))) for key, span in pairs] == [("a", [1, 2]), ("b", 3)]


LONG = b"\xdc\x20\x00" + b"\x01" * 0x2000
"""A list of so many items that all of it is skipped before it is read."""


@pytest.mark.parametrize("data", [LONG[:-1], LONG + b"\x01", b"\x91" * 0x2000, b"\x92" + LONG, b"\x91\xc1" + LONG])
def test_what_ends_too_early_or_goes_on_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedData):
        MsgpackSplitter(data)
