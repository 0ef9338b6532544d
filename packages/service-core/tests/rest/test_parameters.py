"""Arguments as text: what is written is what is read, and what cannot be is refused."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, StrictBool, StrictInt

from service_core.arguments import NO_DEFAULT
from service_core.declaring.descriptors import ParameterDescriptor
from service_core.errors import ArgumentException, DeclarationException
from service_core.rest import Body, Header, Location, PathParam, QueryParam
from service_core.rest.parameters import RestParameter, location_of


class Colour(Enum):
    RED = 1
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1


class Shape(StrEnum):
    ROUND = "round"


class Model(BaseModel):
    name: str


@dataclass
class Data:
    name: str


UserId = NewType("UserId", int)
Key = Annotated[str, Field(min_length=1)]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    str: TEXTS,
    bytes: st.binary(),
    Colour: st.sampled_from(Colour),
    Size: st.sampled_from(Size),
    Shape: st.sampled_from(Shape),
    Literal[1, "a"]: st.sampled_from([1, "a"]),
    StrictInt: st.integers(),
    StrictBool: st.booleans(),
    UserId: st.integers(),
    Key: TEXTS.filter(bool),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    UUID: st.uuids(),
    IPv4Address: st.ip_addresses(v=4),
    date: st.dates(),
    time: st.times(),
    datetime: st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(minutes=90))])),
    timedelta: st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    int | None: st.integers(),
}
ITEMS: dict[Any, st.SearchStrategy[Any]] = {**VALUES, int: st.integers(-(2**63), 2**64 - 1)}  # as a set holds them


def parameter(annotation: Any, place: Location = Location.QUERY, default: Any = NO_DEFAULT) -> RestParameter:
    descriptor = ParameterDescriptor(name="value", annotation=annotation, default=default)
    return RestParameter(descriptor, place, None, "Library.search")


@pytest.mark.parametrize("annotation", VALUES, ids=str)
@given(data=st.data())
def test_what_is_written_as_text_is_read_again(annotation: Any, data: st.DataObject) -> None:
    value = data.draw(VALUES[annotation])
    planned = parameter(annotation)
    [text] = planned.write(value)
    assert planned.read(text) == value


@pytest.mark.parametrize("container", [list, set, frozenset, Sequence])
@pytest.mark.parametrize("annotation", [int, str, Colour, bytes])
@given(data=st.data())
def test_a_list_travels_as_several_texts(container: Any, annotation: Any, data: st.DataObject) -> None:
    values = data.draw(st.lists(ITEMS[annotation], min_size=1, unique=True))
    values = values if container is Sequence else container(values)
    planned = parameter(types.GenericAlias(container, annotation))
    texts = planned.write(values)
    assert len(texts) == len(values)
    assert planned.read(texts) == values


@pytest.mark.parametrize(
    ("annotation", "default", "absent"),
    [
        (int, NO_DEFAULT, NO_DEFAULT),
        (int, 5, 5),
        (int | None, NO_DEFAULT, None),
        (int | None, None, None),
        (list[int], NO_DEFAULT, []),
        (set[int], NO_DEFAULT, set()),
        (list[int], [1], [1]),
        (list[int] | None, None, None),
        (Annotated[list[int], Field(min_length=1)], NO_DEFAULT, NO_DEFAULT),
    ],
    ids=str,
)
def test_absence_means_the_default_or_none_or_an_empty_list(annotation: Any, default: Any, absent: Any) -> None:
    assert parameter(annotation, default=default).default == absent


def test_none_and_an_empty_list_travel_by_being_left_out() -> None:
    assert parameter(int | None, default=None).write(None) == []
    assert parameter(list[int]).write([]) == []
    assert parameter(list[int], default=()).write([]) == []


@pytest.mark.parametrize(("annotation", "default"), [(list[int], [1]), (list[int] | None, None)], ids=str)
def test_an_empty_list_is_refused_where_its_absence_means_something_else(annotation: Any, default: Any) -> None:
    with pytest.raises(ArgumentException) as error:
        parameter(annotation, default=default).write([])
    assert str(error.value) == (
        "Library.search: value: an empty list travels by being left out, which to the server means the default; leave "
        "the argument out, or let the interface have an empty list as the default"
    )


def test_a_value_of_the_wrong_type_is_refused_with_the_place() -> None:
    with pytest.raises(ArgumentException) as error:
        parameter(list[int]).write([1, "x"])
    assert error.value.details[0]["loc"] == ["value", 1]
    assert str(error.value).startswith("Library.search: value.1: Input should be a valid integer")


def test_text_that_is_no_value_is_refused() -> None:
    with pytest.raises(ArgumentException) as error:
        parameter(Colour).read("green")
    assert str(error.value) == "Library.search: value: Input should be 1 or 'blue'"


@pytest.mark.parametrize("text", ["a\r\nx-evil: 1", "ü", " a", "a ", "a\x00"])
def test_a_header_takes_no_text_that_would_not_arrive_as_it_is(text: str) -> None:
    with pytest.raises(ArgumentException, match="a header holds printable ASCII without spaces at its ends"):
        parameter(str, Location.HEADER).write(text)


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126)).filter(lambda text: text == text.strip()))
def test_a_header_takes_printable_ascii(text: str) -> None:
    assert parameter(str, Location.HEADER).write(text) == [text]


@pytest.mark.parametrize(
    ("annotation", "place", "reason"),
    [
        (
            Model,
            Location.QUERY,
            "cannot travel in the query, which holds one value, or a list of values that are not None",
        ),
        (dict[str, int], Location.QUERY, "cannot travel in the query"),
        (list[Model], Location.QUERY, "cannot travel in the query"),
        (list[list[int]], Location.QUERY, "cannot travel in the query"),
        (list[int | None], Location.QUERY, "cannot travel in the query"),
        (int | list[int], Location.QUERY, "cannot travel in the query"),
        (Any, Location.QUERY, "cannot travel in the query"),
        (
            list[int],
            Location.PATH,
            "cannot travel in the path, which holds one value, such as a number, a text, a date",
        ),
        (list[int], Location.HEADER, "cannot travel in the header, which holds one value, such as"),
        (int | None, Location.PATH, "may be None, which a path cannot hold; take it out of the path"),
    ],
    ids=str,
)
def test_a_type_that_is_no_text_is_refused_when_it_is_declared(annotation: Any, place: Location, reason: str) -> None:
    with pytest.raises(DeclarationException) as error:
        parameter(annotation, place)
    assert str(error.value).startswith(f"Library.search: parameter 'value' {reason}")


def test_a_default_that_cannot_be_distinguished_from_none_is_refused() -> None:
    with pytest.raises(DeclarationException) as error:
        parameter(int | None, default=5)
    assert str(error.value) == (
        "Library.search: parameter 'value' may be None, which travels by being left out and so would arrive as 5; make "
        "None its default"
    )


@pytest.mark.parametrize("name", ["host", "Content-Length", "x-deadline-ms", "a b", ""])
def test_a_header_that_is_no_argument_is_refused(name: str) -> None:
    descriptor = ParameterDescriptor(name=name or "ü", annotation=str)
    with pytest.raises(DeclarationException, match="is not a header that an argument can be sent in"):
        RestParameter(descriptor, Location.HEADER, Header(name=name), "Library.search")


def test_names_in_the_request_are_those_of_the_marker() -> None:
    descriptor = ParameterDescriptor(name="per_page", annotation=int)
    named = RestParameter(descriptor, Location.QUERY, QueryParam(name="per-page"), "Library.search")
    assert (named.name, named.python_name) == ("per-page", "per_page")
    assert RestParameter(descriptor, Location.HEADER, Header(), "Library.search").name == "per-page"


def place(annotation: Any, verb: str = "POST", path_names: Sequence[str] = ()) -> Location:
    descriptor = ParameterDescriptor(name="value", annotation=annotation)
    return location_of(descriptor, verb, path_names, "Library.search")[0]


@pytest.mark.parametrize(
    ("annotation", "verb", "path_names", "expected"),
    [
        (str, "GET", ["value"], Location.PATH),
        (str, "GET", [], Location.QUERY),
        (Model, "POST", [], Location.BODY),
        (Model | None, "PUT", [], Location.BODY),
        (Annotated[Data, "note"], "PATCH", [], Location.BODY),
        (Model, "GET", [], Location.QUERY),
        (Model, "DELETE", [], Location.QUERY),
        (str, "POST", [], Location.QUERY),
        (list[Model], "POST", [], Location.QUERY),
        (Body(str), "POST", [], Location.BODY),
        (Annotated[list[int], Body()], "DELETE", [], Location.BODY),
        (Annotated[Model, QueryParam()], "POST", [], Location.QUERY),
        (Annotated[str, PathParam()], "POST", ["value"], Location.PATH),
        (Annotated[str, Header()], "POST", [], Location.HEADER),
    ],
)
def test_a_parameter_travels_as_marked_or_by_the_rules(
    annotation: Any, verb: str, path_names: list[str], expected: Location
) -> None:
    assert place(annotation, verb, path_names) is expected


@pytest.mark.parametrize(
    ("annotation", "verb", "path_names", "reason"),
    [
        (Body(Model), "GET", [], ": a GET has no body; use another verb, or send it in the query"),
        (PathParam(str), "GET", [], ": the path does not name it; put '{value}' into the path"),
        (
            QueryParam(str),
            "GET",
            ["value"],
            ": the path names it, the marker sends it in the query; take one away",
        ),
        (
            Annotated[str, Body(), QueryParam()],
            "POST",
            [],
            ": two markers (body and query); keep the one that says where it travels",
        ),
        (
            Optional[Annotated[Model, Body()]],  # noqa: UP045 - as it is without 'from __future__'
            "POST",
            [],
            ": the marker stands inside the type; mark the whole: 'Annotated[T | None, QueryParam()]'",
        ),
        (
            Annotated[list[Annotated[int, QueryParam()]], QueryParam()],
            "GET",
            [],
            ": the marker stands inside the type; mark the whole: 'Annotated[T | None, QueryParam()]'",
        ),
        (Annotated[Model, Body], "POST", [], ": a marker is called: write 'Body()', not 'Body'"),
    ],
)
def test_contradictory_places_are_refused(annotation: Any, verb: str, path_names: list[str], reason: str) -> None:
    with pytest.raises(DeclarationException) as error:
        place(annotation, verb, path_names)
    assert str(error.value) == f"Library.search: parameter 'value'{reason}"
