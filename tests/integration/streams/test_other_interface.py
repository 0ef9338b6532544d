"""A caller and a server of which only one has a stream: each mistakes nothing for a proxy or a wrong argument."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service_core import (
    Catalog,
    Component,
    ContractMismatchException,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    service,
)
from service_core.rest import get, post, rest
from service_server_fastapi import serve

OTHER = Catalog()


@service(name="stream-ticker")
@rest("/ticker")
class Ticker(Service):
    """The server's."""

    @abstractmethod
    @get("/ticks")
    def ticks(self) -> Iterator[int]: ...

    @abstractmethod
    @get("/last")
    def last(self) -> list[int]: ...

    @abstractmethod
    @post("/total")
    async def total(self, numbers: AsyncIterator[int]) -> int: ...

    @abstractmethod
    @post("/most")
    async def most(self, numbers: list[int]) -> int: ...


class TickerImpl(Ticker):
    def ticks(self) -> Iterator[int]:
        yield from range(3)

    def last(self) -> list[int]:
        return [1, 2]

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    async def most(self, numbers: list[int]) -> int:
        return max(numbers)


@service(name="stream-ticker", catalog=OTHER)
@rest("/ticker")
class OtherTicker(Service):
    """The caller's: a stream where the server has none, and the other way round."""

    @abstractmethod
    @get("/ticks")
    def ticks(self) -> list[int]: ...

    @abstractmethod
    @get("/last")
    def last(self) -> Iterator[int]: ...

    @abstractmethod
    @post("/total")
    async def total(self, numbers: list[int]) -> int: ...

    @abstractmethod
    @post("/most")
    async def most(self, numbers: AsyncIterator[int]) -> int: ...


@component(name="stream-ticker", services=[OtherTicker], catalog=OTHER)
class OtherTickerComponent(Component): ...


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(TickerImpl(), port=0) as server:
        yield server.url


@pytest.fixture(params=["dispatch-json", "dispatch-msgpack", "rest"])
def ticker(url: str, request: pytest.FixtureRequest) -> Iterator[OtherTicker]:
    registry = StaticComponentRegistry({"stream-ticker": {request.param: url}})
    with ServiceManager(registry, catalog=OTHER) as manager:
        yield manager.get_service(OtherTicker, request.param)


async def given(*numbers: int) -> AsyncIterator[int]:
    for number in numbers:
        yield number


@contextmanager
def mismatch(signature: str) -> Iterator[Any]:
    with pytest.raises(ContractMismatchException) as raised:
        yield raised
    assert signature in str(raised.value)
    assert "Change an interface" in str(raised.value)


def test_a_stream_where_the_caller_has_one_result(ticker: OtherTicker) -> None:
    with mismatch("-> list[int]"):
        ticker.ticks()


def test_one_result_where_the_caller_has_a_stream(ticker: OtherTicker) -> None:
    with mismatch("-> collections.abc.Iterator[int]") as raised:
        list(ticker.last())
    assert raised.value.may_have_run


def test_an_argument_that_is_a_stream_on_the_server_only(ticker: OtherTicker) -> None:
    with mismatch("numbers") as raised:
        asyncio.run(ticker.total([1, 2]))
    assert not raised.value.may_have_run


def test_an_argument_that_is_a_stream_for_the_caller_only(ticker: OtherTicker) -> None:
    with mismatch("numbers") as raised:
        asyncio.run(ticker.most(given(1, 2)))
    assert not raised.value.may_have_run
