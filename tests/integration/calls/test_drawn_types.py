"""Types that are drawn, with values of them: each arrives equal over every codec, or is refused."""

from __future__ import annotations

import datetime as dt
import enum
import os
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Union
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, create_model
from typing_extensions import TypedDict

from service_core.errors import ArgumentException, DeclarationException
from service_core.wire import WireType
from service_core.wire.msgpack_io import pack, unpack

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("DRAWN_TYPES", "300"))
"""How many types are drawn."""


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Size(enum.Enum):
    SMALL = (1, 2)
    LARGE = (3, 4)


class Pause(enum.Enum):
    SHORT = dt.timedelta(seconds=1)
    LONG = dt.timedelta(seconds=9)


@dataclass(frozen=True)
class Point:
    x: int
    y: float


class Pair(NamedTuple):
    left: int
    right: str


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    collar: bytes


class Circle(BaseModel):
    radius: float


class Ring(BaseModel):
    radius: float
    inner: float


class Options(TypedDict, total=False):
    name: str
    size: int


class Drawn(NamedTuple):
    """A type and a strategy for values of it."""

    type: Any
    values: st.SearchStrategy[Any]


zones: st.SearchStrategy[Any] = st.builds(
    lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)), st.integers(-80000, 80000)
)
finite = st.floats(allow_nan=False, allow_infinity=False)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | finite | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
LEAVES = [
    Drawn(None, st.none()),
    Drawn(bool, st.booleans()),
    Drawn(int, st.integers()),
    Drawn(float, finite),
    Drawn(str, st.text(max_size=8)),
    Drawn(bytes, st.binary(max_size=8)),
    Drawn(Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Drawn(UUID, st.uuids()),
    Drawn(dt.date, st.dates()),
    Drawn(dt.datetime, st.datetimes(min_value=dt.datetime(2, 1, 1), timezones=zones | st.none())),
    Drawn(dt.time, st.times()),
    Drawn(dt.timedelta, st.timedeltas()),
    Drawn(Color, st.sampled_from(Color)),
    Drawn(Level, st.sampled_from(Level)),
    Drawn(Size, st.sampled_from(Size)),
    Drawn(Pause, st.sampled_from(Pause)),
    Drawn(Literal["a", "b"], st.sampled_from(["a", "b"])),
    Drawn(Literal[1, "red", None], st.sampled_from([1, "red", None])),
    Drawn(Annotated[int, Field(ge=0, le=9)], st.integers(0, 9)),
    Drawn(Annotated[str, Field(pattern="^[0-9]+$")], st.integers(0, 99).map(str)),
    Drawn(SecretStr, st.text(max_size=5).map(SecretStr)),
    Drawn(Any, plain),
    Drawn(Point, st.builds(Point, st.integers(), finite)),
    Drawn(Pair, st.builds(Pair, st.integers(), st.text(max_size=5))),
    Drawn(Cat, st.builds(Cat, lives=st.integers())),
    Drawn(Dog, st.builds(Dog, collar=st.binary(max_size=5))),
    Drawn(Circle, st.builds(Circle, radius=finite)),
    Drawn(Ring, st.builds(Ring, radius=finite, inner=finite)),
    Drawn(
        Options,
        st.fixed_dictionaries({}, optional={"name": st.text(max_size=5), "size": st.integers()}),
    ),
]
FIELD_NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[Drawn]) -> Drawn:
    one = draw(inner)
    kind = draw(st.sampled_from(["list", "set", "frozenset", "dict", "tuple", "fixed", "optional", "union"]))
    if kind == "list":
        return Drawn(list[one.type], st.lists(one.values, max_size=3))  # type: ignore[name-defined]
    if kind in ("set", "frozenset"):
        hashable = draw(st.sampled_from([leaf for leaf in LEAVES if leaf.type not in _UNHASHABLE]))
        made: Any = set if kind == "set" else frozenset
        return Drawn(made[hashable.type], st.lists(hashable.values, max_size=3).map(made))
    if kind == "dict":
        key = draw(st.sampled_from(LEAVES[:17]))
        values = st.lists(st.tuples(key.values, one.values), max_size=3).map(dict)
        return Drawn(dict[key.type, one.type], values)  # type: ignore[name-defined]
    if kind == "tuple":
        return Drawn(tuple[one.type, ...], st.lists(one.values, max_size=3).map(tuple))  # type: ignore[name-defined]
    if kind == "optional":
        return Drawn(one.type | None if one.type is not None else None, st.none() | one.values)
    other = draw(inner)
    if kind == "fixed":
        pair = st.tuples(one.values, other.values)
        return Drawn(tuple[one.type, other.type], pair)  # type: ignore[name-defined]
    return Drawn(Union[one.type, other.type], one.values | other.values)  # noqa: UP007 - the types are values here


_UNHASHABLE = (Any, Cat, Dog, Circle, Ring, Options)


@st.composite
def classes(draw: st.DrawFn, inner: st.SearchStrategy[Drawn]) -> Drawn:
    fields = {name: draw(inner) for name in draw(FIELD_NAMES)}
    if draw(st.booleans()):
        cls: Any = make_dataclass("Made", [(name, field.type) for name, field in fields.items()])
    else:
        definitions: Any = {name: (field.type, ...) for name, field in fields.items()}
        cls = create_model("Made", **definitions)
    # The values are made without validation, as a program may make them: pydantic could choose another union member.
    make = cls if not issubclass(cls, BaseModel) else cls.model_construct
    return Drawn(cls, st.fixed_dictionaries({n: f.values for n, f in fields.items()}).map(lambda v: make(**v)))


drawn_types = st.recursive(st.sampled_from(LEAVES), lambda inner: containers(inner) | classes(inner), max_leaves=4)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if hasattr(one, "__dict__") and not isinstance(one, enum.Enum | SecretStr | UUID | Decimal):
        return alike(vars(one), vars(other))
    return bool(one == other)


def travels(drawn: Drawn, value: Any) -> list[str]:
    """How a value arrives over JSON, msgpack, and as REST's body: ``refused``, or what is wrong with it."""
    found = []
    for by_alias, packed in ((False, False), (False, True), (True, False)):
        wire = WireType(drawn.type, "drawn", by_alias=by_alias)
        try:
            written = pack(wire.to_plain(value), "drawn") if packed else wire.to_json(value)
        except ArgumentException:
            found.append("refused")
            continue
        arrived = wire.from_plain(unpack(written)) if packed else wire.from_json(written)
        found.append("" if alike(value, arrived) else f"{value!r} arrives as {arrived!r}")
    return found


@settings(max_examples=COUNT, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_value_of_a_drawn_type_arrives_equal_or_is_refused_everywhere(data: st.DataObject) -> None:
    drawn = data.draw(drawn_types)
    try:
        WireType(drawn.type, "drawn")
    except DeclarationException:
        return
    for _ in range(3):
        outcomes = travels(drawn, data.draw(drawn.values))
        assert len(set(outcomes)) == 1, f"{drawn.type}: {outcomes}"
        assert outcomes[0] in ("", "refused"), f"{drawn.type}: {outcomes[0]}"
