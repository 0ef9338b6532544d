"""The values that every channel has to transfer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel


class Shade(Enum):
    """An enum that is encoded as its text."""

    LIGHT = "light"
    DARK = "dark"


class Rank(IntEnum):
    """An enum that is encoded as its number."""

    LOW = 1
    HIGH = 2


class Spot(NamedTuple):
    """A value that travels by its places."""

    x: int
    y: float


class Leaf(BaseModel):
    """A model inside of a dataclass."""

    raw: bytes = b""
    choice: int | str | None = None
    leaves: list[Leaf] = []


_NIL: Final = UUID(int=0)
_ORIGIN: Final = Spot(0, 0.0)


@dataclass
class Specimen:
    """A value of every kind."""

    text: str = ""
    number: int = 0
    real: float = 0.0
    price: Decimal = Decimal(0)
    raw: bytes = b""
    flag: bool = False
    id: UUID = _NIL
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    day: date = date(1970, 1, 1)
    clock: time = time(0)
    lasts: timedelta = timedelta(0)
    shade: Shade = Shade.LIGHT
    rank: Rank = Rank.LOW
    spot: Spot = _ORIGIN
    pair: tuple[int, str] = (0, "")
    tags: set[str] = field(default_factory=set)
    table: dict[str, list[int]] = field(default_factory=dict)
    leaf: Leaf | None = None


SPECIMENS: Final = (
    Specimen(),
    Specimen(text="'\"\\\0\n\u2028 ä 漢 \U0001f600", number=-(2**63), real=-0.1, raw=bytes(range(256)), flag=True),
    Specimen(number=2**100, real=1.7976931348623157e308, price=Decimal("0.10"), id=UUID(int=2**128 - 1)),
    Specimen(
        at=datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        day=date(9999, 12, 31),
        clock=time(23, 59, 59, 1),
        lasts=timedelta(days=-1, microseconds=1),
        shade=Shade.DARK,
        rank=Rank.HIGH,
        spot=Spot(-1, 0.5),
        pair=(1, "one"),
        tags={"", "a", "null"},
        table={"": [], "a b": [1, -2]},
        leaf=Leaf(raw=b"\xff\x00", choice="1", leaves=[Leaf(choice=1), Leaf()]),
    ),
)
"""Values that have to arrive unchanged."""
