"""``blocking`` and ``awaitable``: the other form of a method, on proxies and on implementations."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from service_core import (
    Catalog,
    LocalServiceException,
    Service,
    awaitable,
    blocking,
    current_context,
    deadline,
    service,
)
from service_core.testing import in_memory

CATALOG = Catalog()


@service("loop-greeter", catalog=CATALOG)
class Greeter(Service):
    @abstractmethod
    def greet(self, name: str, *, times: int = 1) -> str: ...

    @abstractmethod
    async def greet_async(self, name: str, *, times: int = 1) -> str: ...


class GreeterImpl(Greeter):
    def greet(self, name: str, *, times: int = 1) -> str:
        return f"hello {name}" * times

    async def greet_async(self, name: str, *, times: int = 1) -> str:
        await asyncio.sleep(0)
        return f"hello {name}" * times


@pytest.fixture(params=["proxy", "implementation"])
def greeter(request: pytest.FixtureRequest) -> Iterator[Greeter]:
    if request.param == "implementation":
        yield GreeterImpl()
        return
    with in_memory(GreeterImpl(), catalog=CATALOG) as manager:
        yield manager.get_service(Greeter)


def test_an_async_method_is_called_without_a_loop(greeter: Greeter) -> None:
    assert blocking(greeter.greet_async)("ann", times=2) == "hello annhello ann"


async def test_a_sync_method_is_awaited(greeter: Greeter) -> None:
    assert await awaitable(greeter.greet)("ann", times=2) == "hello annhello ann"


async def test_blocking_is_refused_on_a_running_loop_with_advice(greeter: Greeter) -> None:
    with pytest.raises(LocalServiceException, match=r"on a running event loop.* write 'await .*greet_async\(\.\.\.\)'"):
        blocking(greeter.greet_async)("ann")


def test_a_method_that_has_the_form_already_is_refused(greeter: Greeter) -> None:
    with pytest.raises(LocalServiceException, match="the method is not 'async def'; call it as it is"):
        blocking(greeter.greet)  # type: ignore[arg-type]
    with pytest.raises(LocalServiceException, match="the method is 'async def' already; await it as it is"):
        awaitable(greeter.greet_async)


def test_the_context_of_the_caller_goes_along() -> None:
    async def remaining() -> float | None:
        limit = current_context().deadline
        return None if limit is None else limit.expires_at

    with deadline(30.0) as limit:
        assert blocking(remaining)() == limit.expires_at


def test_a_sync_call_on_a_running_loop_is_reported_once_for_each_place(caplog: pytest.LogCaptureFixture) -> None:
    async def work(greeter: Greeter) -> None:
        for _ in range(3):
            greeter.greet("ann")
        greeter.greet("bob")

    with in_memory(GreeterImpl(), catalog=CATALOG) as manager, caplog.at_level(logging.WARNING, "service.calls"):
        greeter = manager.get_service(Greeter)
        thread = threading.Thread(target=asyncio.run, args=(work(greeter),))
        thread.start()
        thread.join()
        greeter.greet("ann")
    reports = [record.getMessage() for record in caplog.records if record.name == "service.calls"]
    assert len(reports) == 2
    assert "test_sync_and_async.py" in reports[0]
    assert "calls Greeter.greet, a 'def' method, on a running event loop" in reports[0]
    assert "'await awaitable(service.greet)(...)'" in reports[0]


async def counted(count: int) -> AsyncIterator[float]:
    """The numbers and the end of the caller's deadline."""
    limit = current_context().deadline
    for number in range(count):
        yield number if limit is None else limit.expires_at


def counted_sync(count: int) -> Iterator[int]:
    yield from range(count)


def test_an_async_stream_is_read_in_sync_code_with_the_context_of_the_caller() -> None:
    assert list(blocking(counted)(3)) == [0, 1, 2]
    with deadline(30.0) as limit:
        assert list(blocking(counted)(1)) == [limit.expires_at]


async def test_a_sync_stream_is_read_in_async_code() -> None:
    assert [number async for number in awaitable(counted_sync)(3)] == [0, 1, 2]


async def test_closing_the_other_form_closes_the_stream() -> None:
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    async with aclosing(awaitable(endless)()) as items:
        assert await anext(items) == 1
    assert ended.is_set()


def test_a_stream_that_has_the_form_already_is_refused() -> None:
    with pytest.raises(LocalServiceException, match="call it as it is"):
        cast(Any, blocking)(counted_sync)
    with pytest.raises(LocalServiceException, match="already"):
        awaitable(counted)
