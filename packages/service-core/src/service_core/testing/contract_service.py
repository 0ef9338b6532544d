"""The service that :class:`ChannelContract` calls."""

from __future__ import annotations

import asyncio
import threading
import uuid
from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from pydantic import BaseModel

from service_core.address import ChannelAddress
from service_core.context import current_context
from service_core.decorators import component, raises, service
from service_core.errors import AuthorizationException, MissingTokenException
from service_core.interfaces import AbstractComponent, Component, Service
from service_core.rest import get, post, rest

__all__ = [
    "SPECIMENS",
    "AbsentService",
    "ContractComponent",
    "ContractComponentImpl",
    "ContractService",
    "ContractServiceImpl",
    "OutOfStock",
    "Seen",
    "Specimen",
]


class Shade(Enum):
    """A value that travels by its text."""

    LIGHT = "light"
    DARK = "dark"


class Rank(IntEnum):
    """A value that travels by its number."""

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
"""Values that have to come back as they were sent."""


@dataclass
class OutOfStock(Exception):
    """An error that the interface declares."""

    item: str
    left: Decimal


class Seen(BaseModel):
    """What an implementation sees of its call besides the arguments."""

    remaining: float | None
    """Seconds until the deadline."""
    correlation_id: str | None
    traceparent: str | None


@rest("/contract")
@service(name="channel-contract-service")
class ContractService(Service):
    """Does what a channel has to carry."""

    @abstractmethod
    @post("/echo")
    def echo(self, value: Specimen) -> Specimen:
        """Give back the value."""

    @abstractmethod
    @post("/echo-async")
    async def echo_async(self, value: Specimen) -> Specimen:
        """Give back the value."""

    @abstractmethod
    @get("/add")
    def add(self, first: int, second: int = 1, *, third: int = 0) -> int:
        """The sum."""

    @abstractmethod
    @post("/buy")
    @raises(OutOfStock)
    def buy(self, item: str) -> None:
        """Raise what is declared."""

    @abstractmethod
    @post("/buy-async")
    @raises(OutOfStock)
    async def buy_async(self, item: str) -> None:
        """Raise what is declared."""

    @abstractmethod
    @post("/fail")
    def fail(self, kind: str) -> None:
        """Raise something else."""

    @abstractmethod
    @post("/fail-async")
    async def fail_async(self, kind: str) -> None:
        """Raise something else."""

    @abstractmethod
    @get("/misfit")
    def misfit(self) -> int:
        """Return what is not of the declared type."""

    @abstractmethod
    @post("/count")
    def count(self, key: str) -> int:
        """How often it has been called with that key; not idempotent."""

    @abstractmethod
    @get("/identity")
    def identity(self) -> str:
        """Which object this is."""

    @abstractmethod
    @get("/seen")
    def seen(self) -> Seen:
        """What travels beside the arguments."""

    @abstractmethod
    @get("/seen-async")
    async def seen_async(self) -> Seen:
        """What travels beside the arguments."""

    @abstractmethod
    @post("/wait")
    async def wait(self, key: str) -> None:
        """Wait until ``key`` is released."""

    @abstractmethod
    @post("/release")
    async def release(self, key: str) -> None:
        """Let those go who wait for ``key``."""


@component(name="channel-contract-component", services=[ContractService])
class ContractComponent(Component):
    """What a server of the contract hosts."""


@rest("/absent")
@service(name="channel-contract-absent-service")
class AbsentService(Service):
    """A service that no server of the contract hosts."""

    @abstractmethod
    @get("/run")
    def run(self) -> int:
        """Never run."""


@component(name="channel-contract-absent-component", services=[AbsentService])
class AbsentComponent(Component):
    """A component that no server of the contract hosts."""


class ContractServiceImpl(ContractService):
    """One for each server."""

    def __init__(self) -> None:
        self._identity = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._events: dict[str, asyncio.Event] = {}

    def echo(self, value: Specimen) -> Specimen:
        """Give back the value."""
        return value

    async def echo_async(self, value: Specimen) -> Specimen:
        """Give back the value."""
        await asyncio.sleep(0)
        return value

    def add(self, first: int, second: int = 1, *, third: int = 0) -> int:
        """The sum."""
        return first + second + third

    def buy(self, item: str) -> None:
        """Raise what is declared."""
        raise OutOfStock(item, Decimal("0.50"))

    async def buy_async(self, item: str) -> None:
        """Raise what is declared."""
        raise OutOfStock(item, Decimal("0.50"))

    def fail(self, kind: str) -> None:
        """Raise something else."""
        raise _error(kind)

    async def fail_async(self, kind: str) -> None:
        """Raise something else."""
        raise _error(kind)

    def misfit(self) -> int:
        """Return what is not of the declared type."""
        return cast(int, "seven")

    def count(self, key: str) -> int:
        """How often it has been called with that key."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

    def identity(self) -> str:
        """Which object this is."""
        return self._identity

    def seen(self) -> Seen:
        """What travels beside the arguments."""
        return _seen()

    async def seen_async(self) -> Seen:
        """What travels beside the arguments."""
        return _seen()

    async def wait(self, key: str) -> None:
        """Wait until ``key`` is released."""
        await self._released(key).wait()

    async def release(self, key: str) -> None:
        """Let those go who wait for ``key``."""
        self._released(key).set()

    def _released(self, key: str) -> asyncio.Event:
        return self._events.setdefault(key, asyncio.Event())


class ContractComponentImpl(AbstractComponent, ContractComponent):
    """For servers that ask for one; the contract knows its addresses from elsewhere."""

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        """None."""
        del port
        return []


def _error(kind: str) -> BaseException:
    errors: dict[str, Any] = {
        "secret": lambda: RuntimeError("password=hunter2"),
        "empty": lambda: ValueError(""),
        "denied": lambda: AuthorizationException("not yours"),
        "missing token": lambda: MissingTokenException("who are you?"),
        "cancelled": asyncio.CancelledError,
    }
    made: BaseException = errors[kind]()
    return made


def _seen() -> Seen:
    context = current_context()
    return Seen(
        remaining=context.deadline.remaining if context.deadline is not None else None,
        correlation_id=context.correlation_id,
        traceparent=context.traceparent,
    )
