"""Serializers of single values: what they write exactly, and what they refuse."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticSerializationUnexpectedValue

from service_core.errors import ArgumentException
from service_core.wire import WireType
from service_core.wire.msgpack_io import pack, unpack
from service_core.wire.types import exact


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Point:
    x: int


class Picture(BaseModel):
    data: bytes


def over_json(wire: WireType, value: Any) -> Any:
    return wire.from_json(wire.to_json(value))


def over_msgpack(wire: WireType, value: Any) -> Any:
    return wire.from_plain(unpack(pack(wire.to_plain(value), "m")))


WAYS = pytest.mark.parametrize("travelled", [over_json, over_msgpack])


@WAYS
@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (deque[bytes], deque([b"AAAA"])),
        (list[deque[Picture]], [deque([Picture(data=b"AAAA")])]),
        (Sequence[Picture] | Picture, Picture(data=b"AAAA")),
        (Sequence[Picture] | Picture, [Picture(data=b"\0")]),
        (Literal[Color.RED, "x"], Color.RED),
        (Literal[Color.RED, "x"], "x"),
        (list[Literal[Color.RED, Color.BLUE]], [Color.BLUE, Color.RED]),
        (Literal[Color.RED] | int, Color.RED),
    ],
    ids=str,
)
def test_what_pydantic_alone_would_change_arrives_equal(
    travelled: Callable[[WireType, Any], Any], annotation: Any, value: Any
) -> None:
    assert travelled(WireType(annotation, "m"), value) == value


def test_a_literal_of_members_takes_no_other_value() -> None:
    with pytest.raises(ArgumentException):
        WireType(Literal[Color.RED, "x"], "m").from_json(b'"blue"')


@pytest.mark.parametrize("value", [b"ab", {"a": object()}, {1: 2}, [Color.RED], (1, 2), {1}])
def test_what_a_value_of_any_type_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(exact.UnsendableValue):
        exact.plain(value)


def test_plain_data_of_any_type_is_kept() -> None:
    value: Any = {"a": [1, 2.5, None, True, "x", {"b": []}]}
    assert exact.plain(value) is value


def test_a_zone_with_seconds_becomes_utc_and_a_time_of_day_in_it_is_refused() -> None:
    zone = timezone(timedelta(seconds=3208))
    moment = datetime(2024, 1, 1, tzinfo=zone)
    assert exact.whole_minutes(moment) == moment
    assert exact.whole_minutes(moment).tzinfo is UTC
    with pytest.raises(exact.UnsendableValue, match="offset"):
        exact.whole_minutes(time(1, tzinfo=zone))
    with pytest.raises(exact.UnsendableValue, match="offset"):
        exact.whole_minutes(datetime(1, 1, 1, tzinfo=zone))


@pytest.mark.parametrize(
    ("write", "wrong"), [(exact.set_as_list, [1]), (exact.sequence_as_list, {1}), (exact.sequence_as_list, "text")]
)
def test_another_kind_of_collection_is_no_value(write: Callable[[Any, Any], Any], wrong: Any) -> None:
    with pytest.raises(PydanticSerializationUnexpectedValue):
        write(wrong, lambda values: values)


def test_a_text_is_no_sequence() -> None:
    wire = WireType(Sequence[Any], "m")
    for read in (lambda: wire.from_json(b'"ab"'), lambda: wire.from_plain("ab"), lambda: wire.to_json("ab")):
        with pytest.raises(ArgumentException):
            read()


def test_a_set_of_objects_that_stand_elsewhere_too_is_written_as_a_list() -> None:
    wire = WireType(tuple[frozenset[Point], Point], "m")
    value = (frozenset({Point(1)}), Point(2))
    assert over_msgpack(wire, value) == over_json(wire, value) == value


def test_members_whose_values_look_alike_are_refused() -> None:
    class Pair(enum.Enum):
        SET = frozenset({1})
        TUPLE = (1,)

    with pytest.raises(exact.UnsendableValue, match="SET and TUPLE look alike"):
        exact.json_forms(Pair)


def test_a_reader_gives_members_and_leaves_what_it_does_not_know() -> None:
    read = exact.member_reader(Color)
    assert read("red") is Color.RED
    assert read(Color.BLUE) is Color.BLUE
    assert read("green") == "green"
    assert read(unreadable := object()) is unreadable


def test_fields_are_those_of_models_and_dataclasses() -> None:
    assert exact.field_names(Picture) == {"data"}
    assert exact.field_names(int) == frozenset()
