"""The service that :class:`ChannelContract` calls."""

from __future__ import annotations

import asyncio
import threading
import uuid
from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from pydantic import BaseModel

from service_core.addresses import ChannelAddress
from service_core.context import current_context
from service_core.declaring.decorators import component, raises, service
from service_core.declaring.interfaces import AbstractComponent, Component, Service
from service_core.errors import AuthorizationException, MissingTokenException
from service_core.rest import get, post, rest
from service_core.testing.contract_values import Specimen


@dataclass
class OutOfStock(Exception):
    """An error that the interface declares."""

    item: str
    left: Decimal


class Seen(BaseModel):
    """The context of a call as an implementation reads it."""

    remaining: float | None
    """Seconds until the deadline."""
    correlation_id: str | None
    traceparent: str | None


@rest("/contract")
@service(name="channel-contract-service")
class ContractService(Service):
    """Methods for everything that a channel has to support."""

    @abstractmethod
    @post("/echo")
    def echo(self, value: Specimen) -> Specimen:
        """Return the value."""

    @abstractmethod
    @post("/echo-async")
    async def echo_async(self, value: Specimen) -> Specimen:
        """Return the value."""

    @abstractmethod
    @get("/add")
    def add(self, first: int, second: int = 1, *, third: int = 0) -> int:
        """The sum."""

    @abstractmethod
    @post("/buy")
    @raises(OutOfStock)
    def buy(self, item: str) -> None:
        """Raise a declared error."""

    @abstractmethod
    @post("/buy-async")
    @raises(OutOfStock)
    async def buy_async(self, item: str) -> None:
        """Raise a declared error."""

    @abstractmethod
    @post("/fail")
    def fail(self, kind: str) -> None:
        """Raise an undeclared error."""

    @abstractmethod
    @post("/fail-async")
    async def fail_async(self, kind: str) -> None:
        """Raise an undeclared error."""

    @abstractmethod
    @get("/misfit")
    def misfit(self) -> int:
        """Return a value that is not of the declared type."""

    @abstractmethod
    @post("/count")
    def count(self, key: str) -> int:
        """The number of calls with that key; not idempotent."""

    @abstractmethod
    @get("/identity")
    def identity(self) -> str:
        """An id of this object."""

    @abstractmethod
    @get("/seen")
    def seen(self) -> Seen:
        """The context of the call."""

    @abstractmethod
    @get("/seen-async")
    async def seen_async(self) -> Seen:
        """The context of the call."""

    @abstractmethod
    @post("/wait")
    async def wait(self, key: str) -> None:
        """Wait until ``key`` is released."""

    @abstractmethod
    @post("/release")
    async def release(self, key: str) -> None:
        """Release the calls that wait for ``key``."""


@component(name="channel-contract-component", services=[ContractService])
class ContractComponent(Component):
    """The component of a server of the contract."""


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
    """The implementation, one object for each server."""

    def __init__(self) -> None:
        self._identity = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._events: dict[str, asyncio.Event] = {}

    def echo(self, value: Specimen) -> Specimen:
        return value

    async def echo_async(self, value: Specimen) -> Specimen:
        await asyncio.sleep(0)
        return value

    def add(self, first: int, second: int = 1, *, third: int = 0) -> int:
        return first + second + third

    def buy(self, item: str) -> None:
        raise OutOfStock(item, Decimal("0.50"))

    async def buy_async(self, item: str) -> None:
        raise OutOfStock(item, Decimal("0.50"))

    def fail(self, kind: str) -> None:
        raise _error(kind)

    async def fail_async(self, kind: str) -> None:
        raise _error(kind)

    def misfit(self) -> int:
        return cast(int, "seven")

    def count(self, key: str) -> int:
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

    def identity(self) -> str:
        return self._identity

    def seen(self) -> Seen:
        return _seen()

    async def seen_async(self) -> Seen:
        return _seen()

    async def wait(self, key: str) -> None:
        await self._released(key).wait()

    async def release(self, key: str) -> None:
        self._released(key).set()

    def _released(self, key: str) -> asyncio.Event:
        return self._events.setdefault(key, asyncio.Event())


class ContractComponentImpl(AbstractComponent, ContractComponent):
    """For servers that need a component; the contract gets its addresses elsewhere."""

    def get_addresses(self, port: int) -> list[ChannelAddress]:
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
