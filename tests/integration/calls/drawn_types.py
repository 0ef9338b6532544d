"""Types that are drawn by a number, with values of them: nested, generic, constrained, unions, classes of any kind."""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from random import Random
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar, Union
from uuid import UUID

from pydantic import BaseModel, Field, SecretBytes, SecretStr, StrictInt, create_model
from typing_extensions import TypedDict

__all__ = ["Drawn", "alike", "drawn"]

T = TypeVar("T")


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


class Named(BaseModel):
    name: str = Field(alias="Name")
    other: int = Field(default=3, alias="name_")


class Tree(BaseModel):
    value: int
    children: list[Tree] = Field(default_factory=list)


class Options(TypedDict, total=False):
    name: str
    size: int


class Settings(TypedDict):
    name: str
    until: NotRequired[dt.date]


class Box(BaseModel, Generic[T]):
    content: T
    count: int = 1


@dataclass
class Crate(Generic[T]):
    content: T


Values = Callable[[Random], Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A type and how values of it are drawn."""

    type: Any
    values: Values


_TEXTS = ["", "a", "5", "1.0", "true", "null", "red", "ü", "\U0001f600", "2024-01-01", " x ", "a/b?c=d&e", 'q"\\', "\0"]
_INTEGERS = [0, 1, -1, 5, 2**31, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30]
_SHORT_INTEGERS = [0, 1, -1, 5, 2**53 + 1, 2**63, 2**64 - 1, -(2**63)]
_FLOATS = [0.0, -0.0, 1.0, 0.1, -2.5, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 2.0**53]
_BYTES = [b"", b"a", b"\0\xff", b"AAAA", b"a==", bytes(range(9))]
_DECIMALS = [Decimal(text) for text in ("0", "-0", "1.0", "1.00", "1E+3", "0.1", "123456789012345678901234567890.5")]
_UUIDS = [UUID(int=0), UUID(int=1), UUID("12345678-1234-5678-1234-567812345678")]
_DATES = [dt.date(1, 1, 1), dt.date(1970, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]
_SPANS = [dt.timedelta(0), dt.timedelta(microseconds=1), dt.timedelta(days=-1, seconds=5), dt.timedelta(days=4000)]


def _one_of(values: Sequence[Any]) -> Values:
    return lambda random: random.choice(values)


def _integer(random: Random) -> int:
    return random.choice(_INTEGERS) if random.random() < 0.6 else random.randint(-1000, 1000)


def _hashed(random: Random) -> Drawn:
    """A type of keys and of items of sets, of which integers have at most 64 bits."""
    one = random.choice(_KEYS)
    return Drawn(one.type, _one_of(_SHORT_INTEGERS)) if one.type in (int, StrictInt) else one


def _text(random: Random) -> str:
    return (
        random.choice(_TEXTS) if random.random() < 0.7 else "".join(random.choices("abé€\n1", k=random.randint(1, 6)))
    )


def _moment(random: Random) -> dt.datetime:
    zones = [None, dt.UTC, dt.timezone(dt.timedelta(minutes=90)), dt.timezone(dt.timedelta(seconds=3208))]
    return dt.datetime(random.randint(2, 9998), 3, 4, 5, 6, 7, random.randint(0, 999999), random.choice(zones))


def _time(random: Random) -> dt.time:
    return dt.time(random.randint(0, 23), 5, 6, random.choice([0, 1, 999999]))


def _plain(random: Random) -> Any:
    kind = random.randint(0, 7)
    if kind == 6:
        return [_plain(random) for _ in range(random.randint(0, 2))]
    if kind == 7:
        return {_text(random): _plain(random) for _ in range(random.randint(0, 2))}
    return [None, True, random.choice(_FLOATS), _text(random), random.randint(-(2**60), 2**60), False][kind]


def _tree(random: Random) -> Tree:
    return Tree(value=_integer(random), children=[_tree(random) for _ in range(random.choice([0, 0, 1, 2]))])


def _options(random: Random) -> Any:
    pairs: dict[str, Values] = {"name": _text, "size": _integer}
    return {name: values(random) for name, values in pairs.items() if random.random() < 0.5}


def _settings(random: Random) -> Any:
    until = {"until": random.choice(_DATES)} if random.random() < 0.5 else {}
    return {"name": _text(random), **until}


_KEYS = [
    Drawn(str, _text),
    Drawn(int, _integer),
    Drawn(float, _one_of(_FLOATS)),
    Drawn(bool, _one_of([True, False])),
    Drawn(bytes, _one_of(_BYTES)),
    Drawn(Decimal, _one_of(_DECIMALS)),
    Drawn(UUID, _one_of(_UUIDS)),
    Drawn(dt.date, _one_of(_DATES)),
    Drawn(dt.datetime, _moment),
    Drawn(dt.time, _time),
    Drawn(dt.timedelta, _one_of(_SPANS)),
    Drawn(Fraction, _one_of([Fraction(1, 3), Fraction(5), Fraction(-7, 2)])),
    Drawn(IPv4Address, _one_of([IPv4Address("10.0.0.1"), IPv4Address("0.0.0.0")])),
    Drawn(PurePosixPath, _one_of([PurePosixPath("/a/b"), PurePosixPath("x y"), PurePosixPath(".")])),
    Drawn(Color, _one_of(list(Color))),
    Drawn(Level, _one_of(list(Level))),
    Drawn(Size, _one_of(list(Size))),
    Drawn(Pause, _one_of(list(Pause))),
    Drawn(None, lambda _: None),
    Drawn(Literal["a", "b"], _one_of(["a", "b"])),
    Drawn(Literal[1, "red", None], _one_of([1, "red", None])),
    Drawn(Literal[Color.RED, "x"], _one_of([Color.RED, "x"])),
    Drawn(Literal["5", "true"], _one_of(["5", "true"])),
    Drawn(Annotated[int, Field(ge=0, le=9)], lambda random: random.randint(0, 9)),
    Drawn(Annotated[str, Field(pattern="^[0-9]+$")], lambda random: str(random.randint(0, 99))),
    Drawn(StrictInt, _integer),
    Drawn(Point, lambda random: Point(_integer(random), random.choice(_FLOATS))),
    Drawn(Pair, lambda random: Pair(_integer(random), _text(random))),
    Drawn(SecretStr, lambda random: SecretStr(_text(random))),
    Drawn(SecretBytes, lambda random: SecretBytes(random.choice(_BYTES))),
]
"""Types whose values are hashable."""
_LEAVES = [
    *_KEYS,
    Drawn(Any, _plain),
    Drawn(list, lambda random: [_plain(random) for _ in range(random.randint(0, 2))]),
    Drawn(Cat, lambda random: Cat(lives=_integer(random))),
    Drawn(Dog, lambda random: Dog(collar=random.choice(_BYTES))),
    Drawn(Circle, lambda random: Circle(radius=random.choice(_FLOATS))),
    Drawn(Ring, lambda random: Ring(radius=random.choice(_FLOATS), inner=random.choice(_FLOATS))),
    Drawn(Named, lambda random: Named(Name=_text(random), name_=_integer(random))),
    Drawn(Tree, _tree),
    Drawn(Options, _options),
    Drawn(Settings, _settings),
]


def drawn(number: int) -> Drawn:
    """The type with a number, always the same."""
    return _draw(Random(number), 3)


def _draw(random: Random, depth: int) -> Drawn:
    if depth == 0 or random.random() < 0.25:
        return random.choice(_LEAVES)
    return random.choice(_MADE)(random, depth - 1)


def _list(random: Random, depth: int) -> Drawn:
    one = _draw(random, depth)
    containers: list[Any] = [list, deque, tuple, Sequence]
    number = random.randrange(len(containers))
    many, make = containers[number], [list, deque, tuple, list][number]
    kind = many[(one.type, ...) if number == 2 else one.type]
    return Drawn(kind, lambda r: make(one.values(r) for _ in range(r.randint(0, 3))))


def _set(random: Random, _: int) -> Drawn:
    one = _hashed(random)
    make: Any = random.choice([set, frozenset])
    return Drawn(make[one.type], lambda r: make(one.values(r) for _ in range(r.randint(0, 3))))


def _dict(random: Random, depth: int) -> Drawn:
    key, one = _hashed(random), _draw(random, depth)
    maps: list[Any] = [dict, Mapping]
    many = random.choice(maps)
    return Drawn(many[key.type, one.type], lambda r: {key.values(r): one.values(r) for _ in range(r.randint(0, 3))})


def _optional(random: Random, depth: int) -> Drawn:
    one = _draw(random, depth)
    return Drawn(Union[one.type, None], lambda r: one.values(r) if r.random() < 0.7 else None)  # noqa: UP007


def _fixed(random: Random, depth: int) -> Drawn:
    one, other = _draw(random, depth), _draw(random, depth)
    kind = tuple[one.type, other.type]  # type: ignore[name-defined]
    return Drawn(kind, lambda r: (one.values(r), other.values(r)))


def _union(random: Random, depth: int) -> Drawn:
    members = [_draw(random, depth) for _ in range(random.choice([2, 2, 3]))]
    union: Any = Union
    return Drawn(union[tuple(member.type for member in members)], lambda r: r.choice(members).values(r))


def _tagged(_: Random, __: int) -> Drawn:
    kind = Annotated[Cat | Dog, Field(discriminator="kind")]
    return Drawn(kind, lambda r: Cat(lives=_integer(r)) if r.random() < 0.5 else Dog(collar=r.choice(_BYTES)))


def _generic(random: Random, depth: int) -> Drawn:
    one = _draw(random, depth)
    cls: Any = random.choice([Box, Crate])
    made = cls[one.type]
    make: Any = made.model_construct if cls is Box else Crate
    return Drawn(made, lambda r: make(content=one.values(r)))


def _class(random: Random, depth: int) -> Drawn:
    names = random.sample(["a", "b", "c"], random.randint(1, 3))
    fields = {name: _draw(random, depth) for name in names}
    make: Any
    if random.random() < 0.5:
        options: Any = random.choice([{}, {"frozen": True}, {"slots": True}, {"kw_only": True}])
        cls = make = make_dataclass("Made", [(name, one.type) for name, one in fields.items()], **options)
    else:
        aliased = random.random() < 0.3
        definitions: Any = {
            name: (one.type, Field(alias=f"{name}-x") if aliased else ...) for name, one in fields.items()
        }
        # The values are made without validation, as a program may make them: pydantic could choose another member.
        cls = create_model("Made", **definitions)
        make = (lambda **given: cls.model_construct(_fields_set=set(given), **_aliased(given))) if aliased else None
        make = make or cls.model_construct
    return Drawn(cls, lambda r: make(**{name: one.values(r) for name, one in fields.items()}))


def _aliased(given: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}-x": value for name, value in given.items()}


_MADE: list[Callable[[Random, int], Drawn]] = [
    *[_list] * 3,
    *[_dict] * 2,
    *[_union] * 3,
    *[_class] * 3,
    *[_optional] * 2,
    _set,
    _fixed,
    _tagged,
    _generic,
]


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, BaseModel) or hasattr(one, "__dataclass_fields__"):
        names = type(one).model_fields if isinstance(one, BaseModel) else one.__dataclass_fields__
        return all(alike(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)
