"""Large requests of many small values: refused as the whole would be, and before it is made."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgpack
import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException, ContractMismatchException
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, MethodCodec, WireType, check_value
from service_core.wire.large_values import checking
from service_core.wire.large_values.checking import check_request

CODECS = [JSON, MSGPACK]
MANY = 20_000
"""So many items are several pieces, even if each is a byte."""


class Item(BaseModel):
    name: str
    note: str = ""


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Item] = []


class Order(BaseModel):
    number: int
    lines: list[Item]
    notes: dict[str, Item] = {}


class Summed(BaseModel):
    """One whose fields depend on each other, so that no part of it can be read alone."""

    total: int
    numbers: list[int]

    @field_validator("numbers")
    @classmethod
    def fits(cls, numbers: list[int], info: ValidationInfo) -> list[int]:
        assert len(numbers) == info.data["total"]
        return numbers


class Renamed(BaseModel):
    """One whose data is changed before it is read."""

    items: list[Item]

    @model_validator(mode="before")
    @classmethod
    def old_name(cls, data: Any) -> Any:
        return {"items": data["old"]} if "old" in data else data


@dataclass
class Node:
    value: int = 0
    children: list[Node] = field(default_factory=list)


def _even(number: int) -> int:
    assert number % 2 == 0
    return number


ITEMS = [{"name": ""}] * MANY
NAMED = {str(number): {"name": ""} for number in range(MANY)}
CASES: list[tuple[Any, Any, Any]] = [
    (list[Item], ITEMS, [*ITEMS, {"name": 5}, {"name": ""}]),
    (list[Item] | None, ITEMS, [*ITEMS, {}]),
    (set[int], [*range(MANY)], [*range(MANY), "a", 1]),
    (deque[list[int]], [[1]] * MANY, [*([[1]] * MANY), [1, "a"]]),
    (tuple[int, ...], [1000] * MANY, [*([1000] * MANY), None]),
    (dict[str, Item], NAMED, NAMED | {"x": {}}),
    (list[list[int]], [[1], [1000] * MANY], [[1], [*([1000] * MANY), "a"], [2]]),
    (Order, {"number": 1, "lines": ITEMS}, {"number": 1, "lines": [*ITEMS, {"name": []}]}),
    (Order, {"number": 1, "lines": ITEMS, "other": [[]] * MANY}, {"number": "a", "lines": ITEMS}),
    (Order, {"number": 1, "lines": []} | {str(n): [] for n in range(MANY)}, {"lines": ITEMS}),
    (Closed, {"items": ITEMS}, {"items": ITEMS, "other": [[]] * MANY}),
    (Node, {"children": [{}] * MANY}, {"children": [*([{}] * MANY), {"children": [{"value": "a"}]}]}),
    (list[Annotated[int, AfterValidator(_even)]], [1000] * MANY, [*([1000] * MANY), 1001]),
    (list[int | Item], [1000] * MANY, [*([1000] * MANY), {}]),
    (Any, [[[]]] * MANY, None),
    (Annotated[list[int], Field(min_length=MANY)], [1000] * MANY, [*([1000] * (MANY - 2)), "a"]),
    (Summed, {"total": MANY, "numbers": [1000] * MANY}, None),
    (Renamed, {"old": ITEMS}, None),
    (Renamed, {"old": ITEMS, "items": [[]] * MANY}, None),
]


@pytest.fixture(autouse=True)
def small_requests_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LARGE", MANY // 2)


def written(codec: Codec, value: Any) -> bytes:
    return json.dumps(value).encode() if codec is JSON else bytes(msgpack.packb(value) or b"")


def refusal(read: Callable[[], Any]) -> tuple[str, Any]:
    with pytest.raises(ArgumentException) as raised:
        read()
    return raised.value.message, raised.value.details


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("annotation", "right", "_wrong"), CASES, ids=range(len(CASES)))
def test_what_the_whole_accepts_is_accepted(codec: Codec, annotation: Any, right: Any, _wrong: Any) -> None:
    wire, data = WireType(annotation, "here"), written(codec, right)
    check_value(codec, wire, data)
    codec.read_value(wire, data)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("annotation", "wrong"), [(one, wrong) for one, _, wrong in CASES if wrong is not None and one != list[int | Item]]
)
def test_what_is_wrong_is_refused_with_the_place_and_message_of_the_whole(
    codec: Codec, annotation: Any, wrong: Any
) -> None:
    wire, data = WireType(annotation, "here"), written(codec, wrong)
    assert refusal(lambda: check_value(codec, wire, data)) == refusal(lambda: codec.read_value(wire, data))


def test_what_does_not_end_or_is_no_text_is_malformed() -> None:
    wire = WireType(Any, "here")
    with pytest.raises(MalformedData, match=r"not valid JSON: expected ident$"):
        check_value(JSON, wire, b"[" + b"[]," * MANY + b"tru]")
    with pytest.raises(MalformedData, match="utf-8"):
        check_value(MSGPACK, wire, written(MSGPACK, [[[]]] * MANY + ["a"])[:-1] + b"\xff")


# requests


class Shop(Service):
    def add(self, items: list[Item], count: int = 1) -> None: ...


SERVICE = describe_service(Shop, "shop", "")
COMPONENT = ComponentDescriptor(name="test", type=object, description="", services=(SERVICE,))
[ADD] = (MethodCodec(COMPONENT, SERVICE, method) for method in SERVICE.methods.values())
WRONG = [*ITEMS, {}]


def checked(codec: Codec, request: Any) -> str | None:
    return check_request(codec, written(codec, request), lambda name: {"add": ADD}[name].arguments)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "request_",
    [
        {"method": "add", "args": [ITEMS]},
        {"args": [ITEMS, 2], "method": "add"},
        {"method": "add", "kwargs": {"items": ITEMS}},
        {"method": "add", "names": ["count", "items"], "args": [1, ITEMS]},
        {"method": "add", "names": [None, "items"], "args": [ITEMS, ITEMS]},
        {"method": "add", "args": [[]], "unknown": ITEMS},
    ],
)
def test_a_request_is_read_by_its_names_wherever_they_stand(codec: Codec, request_: Any) -> None:
    assert checked(codec, request_) == "add"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"method": "add", "args": [WRONG]}, ArgumentException, f"items.{MANY}.name"),
        ({"args": [WRONG], "method": "add"}, ArgumentException, f"items.{MANY}.name"),
        ({"method": "add", "kwargs": {"items": WRONG}}, ArgumentException, f"items.{MANY}.name"),
        ({"method": "add", "names": ["count", "items"], "args": [1, WRONG]}, ArgumentException, "name"),
        ({"method": "add", "names": ["count", "items"], "args": ["x", ITEMS]}, ArgumentException, "count"),
        ({"method": "add", "args": [ITEMS, 1, 2]}, ArgumentException, "more than 2 arguments"),
        ({"method": "add", "names": ["things"], "args": [ITEMS]}, ContractMismatchException, "things"),
        ({"method": "add", "names": ITEMS, "args": [ITEMS]}, MalformedData, "names"),
        ({"method": "add", "names": [1], "args": [ITEMS]}, MalformedData, "names"),
        ({"method": "add", "args": {"items": ITEMS}}, MalformedData, "a list"),
        ({"args": [ITEMS]}, MalformedData, "'method'"),
        (ITEMS, MalformedData, "a map"),
    ],
)
def test_a_wrong_request_is_refused(codec: Codec, request_: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        checked(codec, request_)


@pytest.mark.parametrize("codec", CODECS)
def test_a_request_that_is_small_or_not_dense_is_not_checked(codec: Codec) -> None:
    assert checked(codec, {"method": "add", "args": [[{}]]}) is None
    assert checked(codec, {"method": "add", "args": [[{"name": "a name of so many characters" * 9}] * MANY]}) is None
