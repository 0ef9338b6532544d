"""Methods of which only so many may run at once."""

from __future__ import annotations

import asyncio
import json
import threading
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

from service_core import (
    Component,
    DeclarationException,
    LocalComponentRegistry,
    Service,
    ServiceManager,
    component,
    implementation,
    max_concurrency,
    service,
)
from service_core.declaring.catalog import Catalog
from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of

LIMIT = 20.0

catalog = Catalog()


@service(catalog=catalog)
class Press(Service):
    @abstractmethod
    def block(self) -> str: ...

    @abstractmethod
    async def linger(self) -> str: ...


@component(services=[Press], catalog=catalog)
class PressComponent(Component): ...


@implementation(catalog=catalog)
class PressImpl(Press):
    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.lingering = asyncio.Event()

    @max_concurrency(1)
    def block(self) -> str:
        self.entered.release()
        assert self.release.wait(LIMIT)
        return "blocked"

    @max_concurrency(1)
    async def linger(self) -> str:
        self.entered.release()
        await self.lingering.wait()
        return "lingered"


@pytest.fixture
def press() -> Iterator[PressImpl]:
    press = PressImpl()
    yield press
    press.release.set()


@pytest.fixture
def dispatcher(press: PressImpl) -> Iterator[Dispatcher]:
    workers = ThreadPool(4)
    with ServiceManager(LocalComponentRegistry(), implementations=[press], catalog=catalog) as manager:
        yield Dispatcher(targets_of(manager.hosted_services()), Executor(workers))
    workers.close()


async def call(dispatcher: Dispatcher, method: str) -> Response:
    body = json.dumps({"method": f"press-component:press:{method}", "args": []}).encode()
    return await dispatcher.dispatch("application/json", body)


def result(answer: Response) -> Any:
    return json.loads(answer.body)["result"]


RESULTS = pytest.mark.parametrize(("method", "outcome"), [("block", "blocked"), ("linger", "lingered")])


@RESULTS
async def test_one_more_is_refused_and_sent_elsewhere(
    press: PressImpl, dispatcher: Dispatcher, method: str, outcome: str
) -> None:
    first = asyncio.create_task(call(dispatcher, method))
    assert await asyncio.to_thread(press.entered.acquire, timeout=LIMIT)

    refused = await call(dispatcher, method)

    assert (refused.status, dict(refused.headers)["retry-after"]) == (503, "1")
    assert json.loads(refused.body)["exception"]["code"] == "unavailable"
    press.release.set()
    press.lingering.set()
    assert result(await first) == outcome
    assert result(await call(dispatcher, method)) == outcome


async def test_a_call_counts_before_it_waits_for_a_worker(press: PressImpl) -> None:
    workers = ThreadPool(1)
    with ServiceManager(LocalComponentRegistry(), implementations=[press], catalog=catalog) as manager:
        targets = {target.method_codec.method.name: target for target in targets_of(manager.hosted_services())}
        dispatcher = Dispatcher(targets.values(), Executor(workers))
        busy = asyncio.create_task(workers.run(press.release.wait, (LIMIT,)))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(call(dispatcher, "block"))
        await asyncio.sleep(0)
        assert (await call(dispatcher, "block")).status == 503
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        another = asyncio.create_task(call(dispatcher, "block"))
        press.release.set()
        assert result(await another) == "blocked"
        await busy
    workers.close()


async def test_an_abandoned_def_method_counts_until_it_ends(press: PressImpl, dispatcher: Dispatcher) -> None:
    abandoned = asyncio.create_task(call(dispatcher, "block"))
    assert await asyncio.to_thread(press.entered.acquire, timeout=LIMIT)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned

    assert (await call(dispatcher, "block")).status == 503


async def test_an_async_method_that_is_cancelled_counts_no_more(press: PressImpl, dispatcher: Dispatcher) -> None:
    cancelled = asyncio.create_task(call(dispatcher, "linger"))
    assert await asyncio.to_thread(press.entered.acquire, timeout=LIMIT)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled

    press.lingering.set()
    assert result(await call(dispatcher, "linger")) == "lingered"


@pytest.mark.parametrize("limit", [0, 2.5, True, max])
def test_what_is_no_limit_is_refused(limit: Any) -> None:
    with pytest.raises(DeclarationException, match=r"@max_concurrency\(.+\): give it a number from 1 on, '@max_conc"):
        max_concurrency(limit)


def test_a_limit_in_an_interface_is_refused() -> None:
    with pytest.raises(
        DeclarationException, match=r"Loom\.weave: @max_concurrency limits one server, so it belongs to"
    ):

        @service(catalog=Catalog())
        class Loom(Service):
            @abstractmethod
            @max_concurrency(1)
            def weave(self) -> str: ...
