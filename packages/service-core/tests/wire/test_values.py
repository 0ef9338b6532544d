"""Every type that an interface may use travels there and back, in both formats."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union
from uuid import UUID

import pytest
from echo_method import method_codec, travel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, computed_field
from typing_extensions import TypedDict

from service_core.wire import JSON, MSGPACK

T = TypeVar("T")
Draw = st.DrawFn


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Unit(enum.StrEnum):
    METER = "m"


class Point(NamedTuple):
    x: int
    at: dt.date = dt.date(2020, 1, 1)


class Tags(TypedDict, total=False):
    name: str
    raw: bytes


@dataclass
class Tree:
    value: bytes
    children: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box(Generic[T]):
    content: T
    label: str = ""


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: int | None = None


class Strict(BaseModel):
    """Takes no text for a number; what the formats have no form for it has to take."""

    model_config = ConfigDict(strict=True, frozen=True)

    number: int
    when: dt.datetime
    amount: Decimal
    color: Color
    identity: UUID | None
    pairs: tuple[tuple[int, bytes], ...]
    names: frozenset[str]
    choice: int | dt.date
    box: Box[dt.time]


class Named(BaseModel):
    """Its names are those of parts of a schema."""

    model_config = ConfigDict(populate_by_name=True)

    metadata: Box[bytes] = Field(alias="Meta-Data")
    default: bytes
    cls: list[bytes]
    function: float
    fields: dict[str, bytes]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.default)


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    collar: bytes


Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]  # noqa: UP007 - as it is found in other programs
Shape = Box[int] | Page[int] | Tags

zones = st.builds(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)), st.integers(-23 * 60, 23 * 60))
numbers = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    st.builds(Tree, st.binary()),
    lambda children: st.builds(Tree, st.binary(), st.lists(children, max_size=3)),
    max_leaves=8,
)
datetimes = st.datetimes() | st.datetimes(timezones=zones)
boxes = st.builds(Box, content=st.binary(), label=st.text())

KEYS: Mapping[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),  # of a key or an item of a set, which have at most 64 bits
    str: st.text(),
    bytes: st.binary(),
    Decimal: decimals,
    UUID: st.uuids(),
    dt.date: st.dates(),
    dt.datetime: datetimes,
    dt.time: st.times(),
    dt.timedelta: st.timedeltas(),
    Color: st.sampled_from(Color),
    Unit: st.sampled_from(Unit),
    Literal["a", "b"]: st.sampled_from(["a", "b"]),
}
HASHABLE = {
    **KEYS,
    Literal["a", 2]: st.sampled_from(["a", 2]),
    Level: st.sampled_from(Level),  # no key: its text is that of a number
    int | str: st.integers(-(2**63), 2**64 - 1) | st.text(),
}
OTHERS: Mapping[Any, st.SearchStrategy[Any]] = {
    None: st.none(),
    float: numbers,
    Point: st.builds(Point, st.integers(), st.dates()),
    Tags: st.fixed_dictionaries({}, optional={"name": st.text(), "raw": st.binary()}),
    Tree: trees,
    Named: st.builds(
        Named,
        metadata=boxes,
        default=st.binary(),
        cls=st.lists(st.binary()),
        function=numbers,
        fields=st.dictionaries(st.text(), st.binary()),
    ),
    Strict: st.builds(
        Strict,
        number=st.integers(),
        when=datetimes,
        amount=decimals,
        color=st.sampled_from(Color),
        identity=st.none() | st.uuids(),
        pairs=st.lists(st.tuples(st.integers(), st.binary())).map(tuple),
        names=st.frozensets(st.text()),
        choice=st.integers() | st.dates(),
        box=st.builds(Box, content=st.times()),
    ),
    Pet: st.builds(Cat, lives=st.integers()) | st.builds(Dog, collar=st.binary()),
    Shape: st.builds(Box, content=st.integers()) | st.builds(Page[int], items=st.lists(st.integers())),
}
LEAVES = {**HASHABLE, **OTHERS}
KEY, ITEM, LEAF = (st.sampled_from(list(known.items())) for known in (KEYS, HASHABLE, LEAVES))


def of(generic: Any, *arguments: Any) -> Any:
    return generic[arguments]


@st.composite
def nested(draw: Draw, depth: int = 2) -> tuple[Any, st.SearchStrategy[Any]]:
    """A type, and its values."""
    leaf: tuple[Any, st.SearchStrategy[Any]] = draw(LEAF)
    if not depth or draw(st.booleans()):
        return leaf
    key, keys = draw(KEY)
    item, items = draw(ITEM)
    inner, values = draw(nested(depth - 1))
    lists = st.lists(values, max_size=3)
    types: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (of(list, inner), lists),
        (of(dict, key, inner), st.dictionaries(keys, values, max_size=3)),
        (of(set, item), st.sets(items, max_size=3)),
        (of(frozenset, item), st.frozensets(items, max_size=3)),
        (of(tuple, inner, ...), lists.map(tuple)),
        (of(tuple, item, inner), st.tuples(items, values)),
        (of(Union, inner, None), st.none() | values),
        (of(Box, inner), st.builds(Box, content=values, label=st.text())),
        (of(Page, inner), lists.map(lambda items: of(Page, inner)(items=items))),
    ]
    return types[draw(st.integers(0, len(types) - 1))]


def assert_same(arrived: Any, sent: Any) -> None:
    """Equal, and of the same types down to the last one, though 1 == True == 1.0."""
    assert arrived == sent
    assert type(arrived).__name__ == type(sent).__name__ or isinstance(sent, BaseModel | Box)
    if isinstance(sent, BaseModel):
        sent, arrived = dict(sent), dict(arrived)
    elif is_dataclass(sent):
        sent, arrived = ({f.name: getattr(one, f.name) for f in fields(one)} for one in (sent, arrived))
    if isinstance(sent, dict):
        sent, arrived = [*sent.items()], [(key, arrived[key]) for key in sent]
    if isinstance(sent, list | tuple):
        for one, other in zip(arrived, sent, strict=True):
            assert_same(one, other)


@pytest.mark.parametrize("annotation", LEAVES, ids=str)
def test_every_type_travels(annotation: Any) -> None:
    method = method_codec(annotation)

    @settings(max_examples=100)
    @given(LEAVES[annotation])
    def travels(value: Any) -> None:
        for codec in (JSON, MSGPACK):
            for arrived in travel(codec, method, value):
                assert_same(arrived, value)

    travels()


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(nested(), st.data())
def test_types_travel_in_each_other(typed: tuple[Any, st.SearchStrategy[Any]], data: st.DataObject) -> None:
    annotation, values = typed
    value = data.draw(values)
    method = method_codec(annotation)
    for codec in (JSON, MSGPACK):
        for arrived in travel(codec, method, value):
            assert_same(arrived, value)


@settings(max_examples=100)
@given(OTHERS[Named])
def test_json_may_be_written_with_spaces_and_in_another_order(value: Named) -> None:
    method = method_codec(Named)
    request = json.loads(JSON.write_request(method, (value,)))
    spaced = json.dumps(dict(reversed(request.items())), indent=1).encode()
    assert JSON.read_arguments(method, JSON.read_request(spaced)) == (value,)
    response = json.loads(JSON.write_result(method, value))
    spaced = json.dumps(dict(reversed(response.items())), indent=1).encode()
    assert JSON.read_response(method, spaced) == value
