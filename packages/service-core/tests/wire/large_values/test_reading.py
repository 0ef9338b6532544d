"""Large values, read in pieces: the value or the refusal of reading at once, and other threads run meanwhile."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import msgpack
import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator, model_validator
from typing_extensions import TypedDict

from service_core.errors import ArgumentException
from service_core.wire import JSON, MSGPACK, Codec, WireType
from service_core.wire.large_values import json_splitter, msgpack_splitter, reading
from service_core.wire.large_values.reading import read_in_pieces

CODECS = [JSON, MSGPACK]


class Item(BaseModel):
    name: str
    note: str = ""


class Order(BaseModel):
    number: int
    lines: list[Item] = Field(min_length=2)
    notes: dict[str, list[int]] = {}
    tags: frozenset[str] | None = None

    @field_validator("lines")
    @classmethod
    def ends(cls, lines: list[Item], info: ValidationInfo) -> list[Item]:
        if info.data["number"] < 0:
            raise ValueError("the number is not negative")
        return [*lines, Item(name="end")]

    @model_validator(mode="after")
    def is_small(self) -> Order:
        assert self.number < 1000
        return self


class Summed(BaseModel):
    """One whose items are read by what came before."""

    first: int
    numbers: list[Annotated[int, AfterValidator(lambda number, info: number + info.data["first"])]]


class Renamed(BaseModel):
    items: list[int]

    @model_validator(mode="before")
    @classmethod
    def old_name(cls, data: Any) -> Any:
        return {"items": data["old"]} if "old" in data else data


@dataclass
class Node:
    value: int = 0
    children: list[Node] = field(default_factory=list)
    cache: list[int] = field(init=False, compare=False, default_factory=list)


class Half(TypedDict, total=False):
    left: list[int]
    right: Order


def _explode(number: int) -> int:
    if number == 13:
        raise RuntimeError("a secret")
    return number


ITEMS: list[Any] = [{"name": f'a "name", [{number}]'} for number in range(20)]
NUMBERS: list[Any] = [*range(50)]
ORDER: dict[str, Any] = {
    "number": 1,
    "lines": ITEMS,
    "other": [NUMBERS],
    "notes": {"a": NUMBERS, "b": []},
    "tags": ["x" * 30],
}
CASES: list[tuple[Any, Any]] = [
    (list[int], NUMBERS),
    (list[int], [*NUMBERS, "a", "b"]),
    (list[Item] | None, [*ITEMS, {"name": 1, "note": 2}, {}]),
    (set[int], [*NUMBERS, *NUMBERS]),
    (set[int], [*NUMBERS, 1, 2**63, -1, 1.5]),
    (frozenset[tuple[int, str]], [[1, "a"], *([[2, "b"]] * 20)]),
    (Annotated[set[int], Field(max_length=49)], NUMBERS),
    (deque[list[int]], [[1], NUMBERS, [2]]),
    (Annotated[deque[int], Field(max_length=5)], NUMBERS),
    (tuple[int, ...], NUMBERS),
    (Annotated[tuple[int, ...], Field(min_length=60)], NUMBERS),
    (tuple[str, list[int], Item], ["a", NUMBERS, {"name": "x" * 50}]),
    (tuple[str, list[int], Item], ["a", [*NUMBERS, None], {"name": ["x" * 50]}]),
    (tuple[list[int]], [NUMBERS, NUMBERS]),
    (dict[str, int], {str(number): number for number in NUMBERS}),
    (dict[str, list[int]], {"a": NUMBERS, "b": [*NUMBERS, "a"]}),
    (dict[str, Order], {"a": ORDER, "b": ORDER | {"number": "a"}}),
    (dict[int, list[int]], {"1": NUMBERS, "2": NUMBERS}),
    (list[list[list[int]]], [[[1], NUMBERS], [[*NUMBERS, "x"]]]),
    (Order, ORDER),
    (Order, ORDER | {"number": -1}),
    (Order, ORDER | {"number": 2000}),
    (Order, ORDER | {"number": "a", "lines": [*ITEMS, {}], "notes": {"a": [*NUMBERS, "a"]}}),
    (Order, ORDER | {"lines": []}),
    (list[Order], [ORDER, ORDER | {"lines": [*ITEMS, {}, {}]}]),
    (Node, {"children": [{}, {"children": [{"children": [{}] * 30}] * 5}], "cache": NUMBERS}),
    (Node, {"children": [{}, {"children": [{"children": [{"value": "a"}] * 30}] * 5}]}),
    (Half, {"left": NUMBERS, "right": ORDER}),
    (Summed, {"first": 5, "numbers": NUMBERS}),
    (Renamed, {"old": NUMBERS}),
    (list[Annotated[int, AfterValidator(_explode)]], NUMBERS),
    (list[int | str], [*NUMBERS, "a"]),
    (Any, {"a": NUMBERS, "b": {"c": ITEMS}}),
    (list[Any], [NUMBERS, ITEMS, None]),
    (list[bytes], ["YWJj"] * 20),
    (str, "a" * 100),
]


@pytest.fixture(autouse=True)
def small_values_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_PIECE", 24)
    monkeypatch.setattr(json_splitter, "JSON_WINDOW", 40)
    monkeypatch.setattr(json_splitter, "_SHORT", 16)
    monkeypatch.setattr(json_splitter, "ITEMS", 4)
    monkeypatch.setattr(msgpack_splitter, "ITEMS", 4)


def written(codec: Codec, value: Any) -> bytes:
    return json.dumps(value).encode() if codec is JSON else bytes(msgpack.packb(value) or b"")


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return "read", read()
    except ArgumentException as error:
        return error.message, error.details


def in_pieces(codec: Codec, wire: WireType, data: bytes) -> tuple[Any] | None:
    return read_in_pieces(wire, lambda: codec.splitter(data))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("annotation", "value"), CASES, ids=range(len(CASES)))
def test_the_value_or_the_refusal_is_that_of_reading_at_once(codec: Codec, annotation: Any, value: Any) -> None:
    wire, data = WireType(annotation, "here", ["first", "second", "third"]), written(codec, value)
    at_once = outcome(lambda: codec.read_value(wire, data))
    said, read = outcome(lambda: in_pieces(codec, wire, data))
    assert (said, read[0] if said == "read" and read is not None else read) in (at_once, ("read", None))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("annotation", [list[int], tuple[int, ...], dict[str, int], Order, Node, Half, Any])
def test_these_are_read_in_pieces(codec: Codec, annotation: Any) -> None:
    value = next(value for one, value in CASES if one == annotation)
    assert in_pieces(codec, WireType(annotation, "here"), written(codec, value)) is not None


@pytest.mark.parametrize(
    "data",
    [
        b'{"number": 1, "lines": [%s], "lines": 0}',
        b'{"number": 1, "lines": 0, "lines": [%s]}',
        b'{"number": 1, "lines": [%s], "lines": [%s]}',
        b'{"number": 1, "lines": [%s,]}',
        b'{"number": 1, "lines": [%s}',
        b'{"number": 1, "lines": [%s]',
        b'{"number": 1, "lines": [%s]]',
        b'{"number": 1, "lines": [%s]} 1',
        b'{"number": 1, "lines": [{}, %s, tru]}',
        b'{"number": 1, "lines": [%s], "x": "\\"}',
        b'{"number": 1 "lines": [%s]}',
    ],
)
def test_what_is_malformed_or_comes_twice_is_left_to_reading_at_once(data: bytes) -> None:
    items = b",".join([b'{"name": "\\\\\\"]"}'] * 9)
    assert in_pieces(JSON, WireType(Order, "here"), data.replace(b"%s", items)) is None


def test_keys_with_equal_hashes_are_counted_over_all_pieces() -> None:
    wire = WireType(set[UUID], "here")
    prime = 2**61 - 1  # whose multiples all have the hash 0
    data = written(JSON, [str(UUID(int=prime * number)) for number in range(1, 100)])
    said, details = outcome(lambda: in_pieces(JSON, wire, data))
    assert details[0]["type"] == "equal_hashes"
    assert (said, details) == outcome(lambda: JSON.read_value(wire, data))
