"""Wrong values are refused where they are written and where they are read, with the place and without the value."""

from __future__ import annotations

import json
import math
import traceback
import tracemalloc
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, cast
from uuid import UUID

import msgpack
import pydantic
import pytest
from echo_method import method_codec
from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

from service_core.errors import ArgumentException, ErrorCode
from service_core.wire import JSON, MSGPACK, Codec, WireType

SECRET = "hunter2"
NAME = "test:echo:echo"


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: float
    y: float = 0.0


@dataclass
class Line:
    points: list[Point] = field(default_factory=list)


class Account(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=5)] = ""
    limits: dict[str, int] = {}


class Closed(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    x: int


@pydantic.dataclasses.dataclass(config=ConfigDict(extra="forbid"))
class Sealed:
    x: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    number: int = 0
    flag: bool = False
    choice: int | date = 0


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Careless(BaseModel):
    value: str

    @field_validator("value")
    @classmethod
    def check(cls, value: str) -> str:
        raise KeyError(value)


Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]  # noqa: UP007 - as it is found in other programs


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


WRITERS = [(JSON, dump), (MSGPACK, pack)]


def read(codec: Codec, annotation: Any, data: bytes) -> Any:
    return codec.read_arguments(method_codec(annotation), codec.read_request(data))


def refused(call: Callable[[], object]) -> ArgumentException:
    with pytest.raises(ArgumentException) as caught:
        call()
    reported = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert SECRET not in reported
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    return caught.value


# What it is, how it comes, and the place that is named.
WRONG: list[tuple[Any, Any, list[Any]]] = [
    (int, SECRET, ["value"]),
    (int, 1.5, ["value"]),
    (int, None, ["value"]),
    (bool, 2, ["value"]),
    (str, 5, ["value"]),
    (str, [SECRET], ["value"]),
    (float, SECRET, ["value"]),
    (Decimal, SECRET, ["value"]),
    (UUID, SECRET, ["value"]),
    (date, SECRET, ["value"]),
    (date, "2020-02-30", ["value"]),
    (Color, SECRET, ["value"]),
    (Literal["a"], SECRET, ["value"]),
    (None, SECRET, ["value"]),
    (list[int], [1, SECRET], ["value", 1]),
    (set[int], [SECRET], ["value", 0]),
    (tuple[int, str], [1], ["value", 1]),
    (dict[str, int], {"a": SECRET}, ["value", "a"]),
    (dict[int, str], {"a": "b"}, ["value", "a", "[key]"]),
    (Line, {"points": [{"x": 1}, {"x": SECRET}]}, ["value", "points", 1, "x"]),
    (Line, {"points": [{"y": 1}]}, ["value", "points", 0, "x"]),
    (Line, SECRET, ["value"]),
    (Account, {"name": SECRET}, ["value", "name"]),
    (Account, {"limits": {"day": SECRET}}, ["value", "limits", "day"]),
    (Account, {"color": SECRET}, ["value", "color"]),
    (int | date, SECRET, ["value", "int"]),
    (Strict, {"number": "5"}, ["value", "number"]),
    (Strict, {"flag": "false"}, ["value", "flag"]),
    (Strict, {"choice": "5"}, ["value", "choice", "int"]),
    (Pet, {"kind": SECRET}, ["value"]),
    (Pet, {"no kind": SECRET}, ["value"]),
]


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(("annotation", "value", "place"), WRONG)
def test_a_wrong_argument_is_refused_where_it_is_read(
    codec: Codec, write: Callable[[Any], bytes], annotation: Any, value: Any, place: list[Any]
) -> None:
    error = refused(lambda: read(codec, annotation, write({"method": NAME, "args": [value]})))
    assert error.details[0]["loc"] == place
    assert str(error).startswith(f"Echo.echo: {'.'.join(map(str, place))}: {error.details[0]['msg']}")


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(("annotation", "value", "place"), WRONG)
def test_a_wrong_result_is_refused_where_it_is_read(
    codec: Codec, write: Callable[[Any], bytes], annotation: Any, value: Any, place: list[Any]
) -> None:
    data = write({"result": value, "exception": None})
    error = refused(lambda: codec.read_response(method_codec(annotation), data))
    assert error.details[0]["loc"] == place[1:]
    assert str(error).startswith("Echo.echo: result: ")


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(("annotation", "value", "place"), WRONG)
def test_a_wrong_value_is_refused_where_it_is_written(
    codec: Codec, annotation: Any, value: Any, place: list[Any]
) -> None:
    method = method_codec(annotation)
    assert refused(lambda: codec.write_request(method, (value,))).details[0]["loc"] == place
    assert refused(lambda: codec.write_result(method, value)).details[0]["loc"] == place[1:]


OBJECTS: list[tuple[Any, Any, list[Any]]] = [
    (Point, Point(SECRET), ["value", "x"]),  # type: ignore[arg-type]
    (Line, Line([Point(1.0), Point(2.0, SECRET)]), ["value", "points", 1, "y"]),  # type: ignore[arg-type]
    (Line, Line([Point(1.0, math.nan)]), ["value", "points", 0, "y"]),
    (Line, Line([Point(-math.inf)]), ["value", "points", 0, "x"]),
    (Line, Line(SECRET), ["value", "points"]),  # type: ignore[arg-type]
    (Account, Account.model_construct(limits={"day": SECRET}), ["value", "limits", "day"]),
    (list[Account], [Account.model_construct(name=5)], ["value", 0, "name"]),
]


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(("annotation", "value", "place"), OBJECTS)
def test_an_object_with_a_wrong_attribute_is_refused_where_it_is_written(
    codec: Codec, annotation: Any, value: Any, place: list[Any]
) -> None:
    method = method_codec(annotation)
    assert refused(lambda: codec.write_request(method, (value,))).details[0]["loc"] == place
    assert refused(lambda: codec.write_result(method, value)).details[0]["loc"] == place[1:]


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("value", [object(), lambda: None, {SECRET: object()}, math.nan, {"a": -math.inf}])
def test_what_cannot_be_written_is_refused_even_if_it_is_declared_as_anything(codec: Codec, value: Any) -> None:
    refused(lambda: codec.write_request(method_codec(Any), (value,)))


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_list_that_holds_itself_is_refused(codec: Codec) -> None:
    endless: list[Any] = []
    endless.append(endless)
    refused(lambda: codec.write_request(method_codec(Any), (endless,)))


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400"])
@pytest.mark.parametrize("annotation", [float, Decimal, list[float], Point])
def test_json_that_is_no_finite_number_is_refused(annotation: Any, text: bytes) -> None:
    value = {list[float]: b"[%s]", Point: b'{"x":%s}'}.get(annotation, b"%s") % text
    for data in (
        b'{"method":"test:echo:echo","args":[%s]}' % value,
        b'{"args": [%s], "method": "test:echo:echo"}' % value,
    ):
        with pytest.raises(ValueError if b"e400" not in text else ArgumentException):
            read(JSON, annotation, data)


@pytest.mark.parametrize(
    "annotation",
    [
        *(bool, int, float, str, bytes, date, time, datetime, timedelta, UUID, Decimal, Literal[1], float | None),
        *(list[float], set[float], dict[str, float], dict[float, int], tuple[int, ...], tuple[Decimal, Decimal]),
    ],
)
def test_a_type_that_examines_each_value_refuses_what_is_not_finite(annotation: Any) -> None:
    wire = WireType(annotation, "value")
    assert not wire.trusts_objects
    for form in (b"%s", b"[%s]", b"[1,%s]", b'{"1":%s}'):
        for number in (b"NaN", b"Infinity", b"-Infinity"):
            with pytest.raises(ArgumentException):
                wire.from_json(form % number)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("annotation", [float, Decimal, list[float], Point])
def test_msgpack_that_is_no_finite_number_is_refused(annotation: Any, number: float) -> None:
    value = {list[float]: [number], Point: {"x": number}}.get(annotation, number)
    refused(lambda: read(MSGPACK, annotation, pack({"method": NAME, "args": [value]})))


@pytest.mark.parametrize("value", [b"\xff", "\x00\xcb\x7f\xf8", b"\xcb\x7f\xf8", "NaN", "Infinity"])
@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_what_only_looks_like_no_finite_number_travels(codec: Codec, value: Any) -> None:
    method = method_codec(type(value))
    assert codec.read_arguments(method, codec.read_request(codec.write_request(method, (value,)))) == (value,)
    assert codec.read_response(method, codec.write_result(method, value)) == value


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xd7m\xf8"])
@pytest.mark.parametrize("annotation", [str, int, Color, date, Strict])
def test_bytes_in_msgpack_do_not_become_text(annotation: Any, raw: bytes) -> None:
    refused(lambda: read(MSGPACK, annotation, pack({"method": NAME, "args": [raw]})))


@pytest.mark.parametrize("key", [-1, 0, 1])
def test_a_number_as_the_name_of_a_field_is_refused_by_name(key: int) -> None:
    method = method_codec(Point)
    data = pack({"result": {"x": 1, key: 2}, "exception": None})
    error = refused(lambda: MSGPACK.read_response(method, data))
    assert [detail["loc"] for detail in error.details] == [[key]]


def test_text_that_is_no_base64_is_no_bytes() -> None:
    refused(lambda: read(JSON, bytes, dump({"method": NAME, "args": [f"{SECRET}!"]})))


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(("arguments", "kind"), [([], "missing"), ([1, 2], "too_long")])
def test_too_few_and_too_many_arguments_are_refused(
    codec: Codec, write: Callable[[Any], bytes], arguments: list[int], kind: str
) -> None:
    error = refused(lambda: read(codec, int, write({"method": NAME, "args": arguments})))
    assert error.details[0]["type"] == kind


@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_a_validator_that_fails_is_a_wrong_argument_too(codec: Codec, write: Callable[[Any], bytes]) -> None:
    with pytest.raises(ArgumentException) as caught:
        read(codec, Careless, write({"method": NAME, "args": [{"value": SECRET}]}))
    assert str(caught.value) == "Echo.echo: the value was refused with KeyError"


@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_all_wrong_fields_of_the_first_wrong_item_are_reported(codec: Codec, write: Callable[[Any], bytes]) -> None:
    value = [{"x": 1.0}, {"x": SECRET, "y": SECRET}, {"x": SECRET}]
    error = refused(lambda: read(codec, list[Point], write({"method": NAME, "args": [value]})))
    assert [detail["loc"] for detail in error.details] == [["value", 1, "x"], ["value", 1, "y"]]
    assert str(error).endswith(" (and 1 more)")


MANY: dict[str, Any] = {f"k{number}": 0 for number in range(30_000)}
WRONG_ITEMS: list[tuple[Any, Any]] = [
    (list[int], ["x"] * 100_000),
    (deque[int], ["x"] * 100_000),
    (set[int], ["x"] * 100_000),
    (frozenset[int], ["x"] * 100_000),
    (tuple[int, ...], ["x"] * 100_000),
    (list[int | date], ["x"] * 100_000),
    (list[Point], [0] * 100_000),
    (list[Pet], [0] * 100_000),
    (dict[str, Point], MANY),
    (dict[int, int], MANY),
    (OrderedDict[str, Point], MANY),
    (Line, {"points": [0] * 100_000}),
    (list[list[int]], [["x"] * 100_000]),
    (dict[str, list[Point]], {"a": [0] * 100_000}),
    (Account, MANY),
    (Closed, {"x": 1, **MANY}),
    (Sealed, {"x": 1, **MANY}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(("annotation", "value"), WRONG_ITEMS, ids=lambda one: str(one)[:30])
def test_many_wrong_items_cost_no_more_than_the_first(
    codec: Codec, write: Callable[[Any], bytes], annotation: Any, value: Any
) -> None:
    method, data = method_codec(annotation), write({"method": NAME, "args": [value]})
    read: Callable[[], object] = lambda: codec.read_arguments(method, codec.read_request(data))  # noqa: E731
    assert 1 <= len(refused(read).details) <= 20
    # Values take up to 43 bytes a byte and errors would take 110 to 500 more; other threads add what they allocate.
    assert min(peak_of(lambda: refused(read)) for _ in range(3)) < 60_000 + 100 * len(data)


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that are allocated meanwhile."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
