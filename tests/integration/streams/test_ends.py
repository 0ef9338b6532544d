"""The table: whatever ends a stream, over whatever carries it, the ``finally`` blocks of its generator run."""

from __future__ import annotations

import asyncio
import gc
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pytest

from service_channels_http import connect
from service_core import Policy, Service, ServiceManager, implementation, raises, service
from service_core.rest import get, post, rest
from service_core.testing import InMemoryNetwork, ScriptedRegistry
from service_server_fastapi import serve

STEP = 0.5
"""Seconds that a step of the sync generator takes at most; it is closed after its step."""


@dataclass
class Closed(Exception):
    """A declared error."""


@service(name="stream-ends")
@rest("/ends")
class Ends(Service):
    @abstractmethod
    @get("/items")
    @raises(Closed)
    def items(self, count: int, then: str = "") -> AsyncIterator[int]: ...

    @abstractmethod
    @get("/items-sync")
    @raises(Closed)
    def items_sync(self, count: int, then: str = "") -> Iterator[int]: ...

    @abstractmethod
    @post("/total")
    async def total(self, numbers: AsyncIterator[int]) -> int: ...

    @abstractmethod
    @post("/total-sync")
    def total_sync(self, numbers: Iterator[int]) -> int: ...


@implementation
class EndsImpl(Ends):
    """Counts the generators that have begun and those whose ``finally`` block has run."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.totals: list[int] = []
        self._changed = threading.Condition()

    def count(self, *, begun: int = 0, ended: int = 0) -> None:
        with self._changed:
            self.begun += begun
            self.ended += ended
            self._changed.notify_all()

    def all_have_ended(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.begun > 0 and self.begun == self.ended, 20)

    async def items(self, count: int, then: str = "") -> AsyncIterator[int]:
        self.count(begun=1)
        try:
            for number in range(count):
                yield number
            if then == "wait":
                await asyncio.Event().wait()
            if then == "fail":
                raise Closed
        finally:
            await asyncio.sleep(0)
            self.count(ended=1)

    def items_sync(self, count: int, then: str = "") -> Iterator[int]:
        self.count(begun=1)
        try:
            yield from range(count)
            if then == "wait":
                threading.Event().wait(STEP)
                yield -1
            if then == "fail":
                raise Closed
        finally:
            self.count(ended=1)

    async def total(self, numbers: AsyncIterator[int]) -> int:
        self.count(begun=1)
        try:
            self.totals.append(sum([number async for number in numbers]))
            return self.totals[-1]
        finally:
            self.count(ended=1)

    def total_sync(self, numbers: Iterator[int]) -> int:
        self.count(begun=1)
        try:
            self.totals.append(sum(numbers))
            return self.totals[-1]
        finally:
            self.count(ended=1)


class Opening(Protocol):
    """Opens what carries the streams of one test."""

    def __call__(self, policy: Policy | None = None) -> Ends: ...


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[EndsImpl, str]]:
    impl = EndsImpl()
    with serve(impl, port=0) as server:
        yield impl, f"http://127.0.0.1:{server.port}"


@pytest.fixture
def impl(served: tuple[EndsImpl, str]) -> EndsImpl:
    impl, _ = served
    impl.begun = impl.ended = 0
    impl.totals.clear()
    return impl


@pytest.fixture(params=["dispatch-json", "dispatch-msgpack", "rest", "httpx", "in memory", "local"])
def opened(
    request: pytest.FixtureRequest, served: tuple[EndsImpl, str], impl: EndsImpl, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opening]:
    """What carries the streams; local calls have no limits in time."""
    carrier = request.param
    with ExitStack() as stack:

        def open_service(policy: Policy | None = None) -> Ends:
            if carrier == "local":
                return impl
            if carrier == "in memory":
                network = InMemoryNetwork()
                url = network.start(impl)
                registry = ScriptedRegistry({name: {"dispatch-json": url} for name in network.components(url)})
                manager = stack.enter_context(ServiceManager(registry, network.channel_factory, policy=policy))
                return manager.get_service(Ends)
            if carrier == "httpx":
                monkeypatch.setenv("SERVICE_HTTP_TRANSPORT", "httpx")
            channel = "dispatch-json" if carrier == "httpx" else carrier
            return stack.enter_context(connect(Ends, served[1], channel=channel, policy=policy))

        yield open_service


def read_all(ends: Ends, count: int, then: str) -> Callable[[str], None]:
    async def read() -> None:
        async with aclosing(cast(Any, ends.items(count, then))) as items:
            async for _ in items:
                pass

    def read_in(form: str) -> None:
        if form == "async":
            asyncio.run(read())
        else:
            with closing(cast(Any, ends.items_sync(count, then))) as items:
                for _ in items:
                    pass

    return read_in


FORMS = pytest.mark.parametrize("form", ["async", "sync"])


@FORMS
@pytest.mark.parametrize("then", ["", "fail"], ids=["its own", "an error"])
def test_its_own_end(opened: Opening, impl: EndsImpl, form: str, then: str) -> None:
    with suppress(Closed):
        read_all(opened(), 3, then)(form)
    assert impl.all_have_ended()


@FORMS
def test_the_caller_that_closes_it(opened: Opening, impl: EndsImpl, form: str) -> None:
    async def read_one() -> None:
        async with aclosing(cast(Any, opened().items(1, "wait"))) as items:
            assert await anext(items) == 0

    if form == "async":
        asyncio.run(read_one())
    else:
        with closing(cast(Any, opened().items_sync(1, "wait"))) as items:
            assert next(items) == 0
    assert impl.all_have_ended()


@FORMS
def test_the_caller_that_drops_it(opened: Opening, impl: EndsImpl, form: str) -> None:
    async def read_one() -> None:
        assert await anext(opened().items(1, "wait")) == 0
        gc.collect()
        assert await asyncio.to_thread(impl.all_have_ended)

    if form == "async":
        asyncio.run(read_one())
    else:
        assert next(opened().items_sync(1, "wait")) == 0
        gc.collect()
    assert impl.all_have_ended()


def test_the_task_that_is_cancelled(opened: Opening, impl: EndsImpl) -> None:
    async def cancel() -> None:
        has_item = asyncio.Event()

        async def read() -> None:
            async for _ in opened().items(1, "wait"):
                has_item.set()

        task = asyncio.create_task(read())
        await has_item.wait()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancel())
    assert impl.all_have_ended()


@FORMS
@pytest.mark.parametrize(
    ("policy", "count"),
    [(Policy(timeout=0.4), 0), (Policy(idle_timeout=0.2), 1), (Policy(total_timeout=0.4), 1)],
    ids=["first item", "idle", "total"],
)
def test_a_limit_in_time(
    opened: Opening, impl: EndsImpl, request: pytest.FixtureRequest, policy: Policy, count: int, form: str
) -> None:
    if "local" in request.node.name:
        policy = Policy()
    ends = opened(policy)
    impl.count(begun=1, ended=1)  # the limit may pass before the call has begun
    with suppress(Exception):
        read_all(ends, count, "wait" if "local" not in request.node.name else "")(form)
    assert impl.all_have_ended()


@FORMS
def test_an_argument_whose_iterator_raises(opened: Opening, impl: EndsImpl, form: str) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise TimeoutError("mine")

    async def broken_async() -> AsyncIterator[int]:
        yield 1
        raise TimeoutError("mine")

    impl.count(begun=1, ended=1)  # it may raise before the call has begun
    ends = opened()
    with pytest.raises(TimeoutError, match="mine"):
        _ = asyncio.run(ends.total(broken_async())) if form == "async" else ends.total_sync(broken())
    assert impl.all_have_ended()
    assert impl.totals == []  # a stream that is cut off does not look like a shorter one
