"""What callers of a ``def`` method get from a server that has more calls than its worker threads can do."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator

import pytest

from service_core import Component, LocalComponentRegistry, Service, ServiceManager, component, implementation, service
from service_core.context import CallContext, Deadline
from service_core.declaring.catalog import Catalog
from service_core.dispatch import Dispatcher, Executor, Response, Target, ThreadPool, targets_of

LIMIT = 20.0
CATALOG = Catalog()


@service(catalog=CATALOG)
class Press(Service):
    @abstractmethod
    def press(self, name: str) -> str: ...


@component(services=[Press], catalog=CATALOG)
class PressComponent(Component): ...


@implementation(catalog=CATALOG)
class PressImpl(Press):
    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.pressed: list[str] = []

    def press(self, name: str) -> str:
        self.pressed.append(name)
        self.entered.release()
        assert self.release.wait(LIMIT)
        return name


@pytest.fixture
def press() -> Iterator[PressImpl]:
    press = PressImpl()
    yield press
    press.release.set()


@pytest.fixture
def target(press: PressImpl) -> Iterator[Target]:
    with ServiceManager(LocalComponentRegistry(), implementations=[press], catalog=CATALOG) as manager:
        [target] = targets_of(manager.hosted_services())
        yield target


@pytest.fixture
def dispatcher(target: Target) -> Iterator[Dispatcher]:
    workers = ThreadPool(1)
    yield Dispatcher([target], Executor(workers))
    workers.close()


async def call(dispatcher: Dispatcher, name: str, seconds: float | None = None) -> Response:
    body = json.dumps({"method": "press-component:press:press", "args": [name]}).encode()
    return await dispatcher.dispatch("application/json", body, CallContext(deadline=Deadline.after(seconds)))


async def test_a_call_that_cannot_end_in_time_behind_the_others_is_refused_with_the_time_that_they_need(
    press: PressImpl, target: Target, dispatcher: Dispatcher
) -> None:
    target.service_time.observe(4.5)
    running = asyncio.create_task(call(dispatcher, "running"))
    assert await asyncio.to_thread(press.entered.acquire, timeout=LIMIT)
    waiting = asyncio.create_task(call(dispatcher, "waiting"))
    await asyncio.sleep(0)

    refused = await call(dispatcher, "refused", seconds=8.0)

    assert (refused.status, dict(refused.headers)["retry-after"]) == (503, "5")
    error = json.loads(refused.body)["exception"]
    assert (error["code"], "could not end before its deadline" in error["message"]) == ("unavailable", True)
    press.release.set()
    assert {(await running).status, (await waiting).status} == {200}
    assert press.pressed == ["running", "waiting"]


async def test_a_call_is_started_by_an_idle_worker_however_long_earlier_ones_took(
    press: PressImpl, target: Target, dispatcher: Dispatcher
) -> None:
    target.service_time.observe(60.0)
    press.release.set()

    assert (await call(dispatcher, "quick", seconds=LIMIT)).status == 200


async def test_runs_teach_the_service_time_of_the_method(
    press: PressImpl, target: Target, dispatcher: Dispatcher
) -> None:
    press.release.set()
    await call(dispatcher, "once")

    assert 0.0 < target.service_time.typical < LIMIT


@service(catalog=CATALOG)
class Echo(Service):
    @abstractmethod
    async def echo(self, name: str) -> str: ...


@component(services=[Echo], catalog=CATALOG)
class EchoComponent(Component): ...


@implementation(catalog=CATALOG)
class EchoImpl(Echo):
    async def echo(self, name: str) -> str:
        return name


@pytest.mark.parametrize(("waited", "status"), [(6.0, 503), (1.0, 200)])
async def test_a_call_that_waited_for_the_event_loop_too_long_is_refused(waited: float, status: int) -> None:
    with ServiceManager(LocalComponentRegistry(), implementations=[EchoImpl()], catalog=CATALOG) as manager:
        dispatcher = Dispatcher(targets_of(manager.hosted_services()), Executor(ThreadPool(0)))
    now = time.monotonic()
    context = CallContext(deadline=Deadline(now - waited + 10.0), received_at=now - waited)
    body = json.dumps({"method": "echo-component:echo:echo", "args": ["a"]}).encode()
    answer = await dispatcher.dispatch("application/json", body, context)
    assert answer.status == status
    if status == 503:
        assert dict(answer.headers)["retry-after"] == "7"
        assert "waited for half of its time" in json.loads(answer.body)["exception"]["message"]
