"""The name of the method is found in a request of which nothing else is read."""

from __future__ import annotations

import json
from typing import Any, cast

import msgpack
import pytest

from service_core.wire import JSON, MSGPACK


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "a:b:ä\n", "args": []},
        {"args": [{"method": "other"}, ["method", "other"]], "method": "a:b:ä\n"},
        {"x": "method", "method": "a:b:ä\n"},
        {"": {"method": "other"}, "y": [[]], "method": "a:b:ä\n", "args": 1},
    ],
)
def test_the_name_is_found_wherever_it_stands(request_: dict[str, Any]) -> None:
    assert JSON.method_name(json.dumps(request_).encode()) == "a:b:ä\n"
    assert JSON.method_name(json.dumps(request_, ensure_ascii=False, indent=2).encode()) == "a:b:ä\n"
    assert MSGPACK.method_name(pack(request_)) == "a:b:ä\n"


@pytest.mark.parametrize(
    "value", [{}, {"args": []}, {"method": 5}, {"method": ["a"]}, {"a": {"method": "a"}}, [], "method", 1]
)
def test_without_a_name_it_is_empty(value: Any) -> None:
    assert JSON.method_name(json.dumps(value).encode()) == ""
    assert MSGPACK.method_name(pack(value)) == ""


def test_what_is_cut_short_or_of_the_other_format_has_no_name() -> None:
    for codec, other, data in (
        (JSON, MSGPACK, b'{"args":["a"],"method":"name"}'),
        (MSGPACK, JSON, pack({"args": ["a"], "method": "name"})),
    ):
        assert other.method_name(data) == ""
        assert {codec.method_name(data[:end]) for end in range(len(data) - 1)} <= {"", "name"}
        assert codec.method_name(data[:-6]) == ""


def test_the_name_is_not_looked_for_behind_64_kilobytes() -> None:
    request_ = {"args": ["x" * 70_000], "method": "name"}
    assert JSON.method_name(json.dumps(request_).encode()) == MSGPACK.method_name(pack(request_)) == ""
