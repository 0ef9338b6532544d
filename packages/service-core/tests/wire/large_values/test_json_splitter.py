"""Where JSON is cut, and what cannot be cut."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest

from service_core.wire import MalformedData
from service_core.wire.large_values.json_splitter import JSONSplitter
from service_core.wire.large_values.splitter import ITEMS, LIST

DEEP: Any = 0
for _ in range(50):
    DEEP = [DEEP]
VERY_DEEP: Any = {"a": "]", "b": "\\"}
for _ in range(50):
    VERY_DEEP = {"a": [VERY_DEEP, 1]}

ITEM_LISTS: list[list[Any]] = [
    [],
    [1],
    list(range(10 * ITEMS)),
    [{}, [], "", None, True, 1.5] * ITEMS,
    ['a "quoted", [text]: {}\\', "ä\n"] * ITEMS,
    [DEEP, 1, DEEP, {"deep": DEEP}] * (ITEMS // 8),
    [[DEEP], [[[DEEP] * 3]] * 2, {"deeper": VERY_DEEP}, VERY_DEEP, "[" * 3000, VERY_DEEP] * 20,
    [[[[[[1]]]]], {"a": {"b": [{"c": "]"}]}}],
]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("items", ITEM_LISTS, ids=range(len(ITEM_LISTS)))
def test_the_pieces_of_a_list_are_its_items_in_order(items: list[Any], indent: int | None) -> None:
    splitter = JSONSplitter(json.dumps(items, indent=indent).encode())
    runs = list(splitter.runs(splitter.whole))
    assert [item for run in runs for item in json.loads(splitter.document(LIST, run))] == items
    assert sum(map(splitter.count, runs)) == len(items)
    singles = [splitter.item(one) for run in runs for one in splitter.singles(LIST, run)]
    assert [json.loads(splitter.text(span)) for span in singles] == items


def test_a_pair_is_cut_behind_its_key() -> None:
    splitter = JSONSplitter(b' { "a\\u0062:" : [1, 2] , "c":3} ')
    [run] = splitter.runs(splitter.whole)
    pairs = [splitter.pair(one) for one in splitter.singles("map", run)]
    assert [(key, splitter.text(span)) for key, span in pairs] == [("ab:", b"[1, 2]"), ("c", b"3")]


NOT_BALANCED = [b"[[1,2]", b"[1]]", b'["a]', b"[1}", b"[[[[[[[[1]]]]]]]", b"[" * 1000 + b"]"]
WITHOUT_AN_ITEM = [b"[1,,2]", b"[1,2,]", b"[,]", b"[1, ]"]


@pytest.mark.parametrize("text", NOT_BALANCED + WITHOUT_AN_ITEM)
def test_what_is_not_balanced_or_lacks_an_item_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedData):
        read(JSONSplitter(text))


def read(splitter: JSONSplitter) -> None:
    for run in splitter.runs(splitter.whole):
        splitter.plain(splitter.document(LIST, run))


def test_strings_and_brackets_that_do_not_end_are_found_in_linear_time() -> None:
    part = b"\\[{[{}]}]" + b"9" * 15 + b'"children":[]' * 3 + b"9" * 100
    splitter = JSONSplitter(b"[" + part * 2000 + b"]")
    begin = time.process_time()
    with contextlib.suppress(MalformedData):
        for run in splitter.runs(splitter.whole):
            list(splitter.singles(LIST, run))
    assert time.process_time() - begin < 20  # it took minutes when each place was tried in turn
