"""Streams in memory: what comes, what ends them, and that generators are closed in every case."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any, cast

import pytest

from service_core import (
    ArgumentException,
    Catalog,
    Component,
    DeadlineExceeded,
    LocalComponentRegistry,
    Policy,
    RemoteServiceException,
    Service,
    ServiceCommunicationException,
    ServiceManager,
    component,
    implementation,
    raises,
    service,
)
from service_core.context import deadline
from service_core.testing import InMemoryNetwork, ScriptedRegistry, in_memory

CHANNELS = ["dispatch-json", "dispatch-msgpack"]
catalog = Catalog()


@dataclass
class RoomClosed(Exception):
    """A declared error."""

    room: str


@service(catalog=catalog)
class Chat(Service):
    """Streams of each form."""

    @abstractmethod
    @raises(RoomClosed)
    def watch(self, room: str, count: int = 3) -> AsyncIterator[str]: ...

    @abstractmethod
    @raises(RoomClosed)
    def lines(self, room: str, count: int = 3) -> Iterator[str]: ...

    @abstractmethod
    async def total(self, start: int, numbers: AsyncIterator[int], factor: int = 1) -> int: ...

    @abstractmethod
    def total_sync(self, numbers: Iterator[int]) -> int: ...

    @abstractmethod
    def talk(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...


@component(services=[Chat], catalog=catalog)
class ChatComponent(Component): ...


@implementation(catalog=catalog)
class ChatImpl(Chat):
    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.waits = asyncio.Event()
        self.produced = 0

    async def watch(self, room: str, count: int = 3) -> AsyncIterator[str]:
        self.begun.set()
        try:
            for number in range(count):
                yield cast(str, 5) if room == "misfit" and number == 2 else f"{room} {number}"
                self.produced += 1
            self.waits.set()
            await _end(room)
        finally:
            await asyncio.sleep(0)
            self.ended.set()

    def lines(self, room: str, count: int = 3) -> Iterator[str]:
        self.begun.set()
        try:
            for number in range(count):
                yield f"{room} {number}"
                self.produced += 1
            if room == "endless":
                time.sleep(2)
            if room == "closed":
                raise RoomClosed(room)
            if room == "broken":
                raise KeyError("secret")
        finally:
            self.ended.set()

    async def total(self, start: int, numbers: AsyncIterator[int], factor: int = 1) -> int:
        async for number in numbers:
            start += number * factor
        return start

    def total_sync(self, numbers: Iterator[int]) -> int:
        return sum(numbers)

    async def talk(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            async for word in words:
                yield word.upper()
        finally:
            self.ended.set()


async def _end(room: str) -> None:
    if room == "endless":
        await asyncio.Event().wait()
    if room == "closed":
        raise RoomClosed(room)
    if room == "broken":
        raise KeyError("secret")


@pytest.fixture
def chat_impl() -> ChatImpl:
    return ChatImpl()


@pytest.fixture(params=CHANNELS)
def manager(request: Any, chat_impl: ChatImpl) -> Iterator[ServiceManager]:
    with in_memory(chat_impl, channel=request.param, catalog=catalog) as manager:
        yield manager


@pytest.fixture
def chat(manager: ServiceManager) -> Chat:
    return manager.get_service(Chat)


async def taken(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


async def counted(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def drain(chat: Chat, form: str, room: str, count: int = 3) -> tuple[list[str], BaseException | None]:
    """The items and the error of a stream, read in either form."""
    items: deque[str] = deque()

    async def read() -> None:
        async for item in chat.watch(room, count):
            items.append(item)

    try:
        if form == "async":
            asyncio.run(read())
        else:
            for item in chat.lines(room, count):
                items.append(item)
    except Exception as error:  # noqa: BLE001 - the caller looks at it
        return list(items), error
    return list(items), None


@pytest.mark.parametrize("form", ["async", "sync"])
def test_items_come_in_order_and_the_generator_ends(chat: Chat, chat_impl: ChatImpl, form: str) -> None:
    assert drain(chat, form, "tea", 1000) == ([f"tea {number}" for number in range(1000)], None)
    assert chat_impl.ended.wait(20)


@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_stream_may_be_empty(chat: Chat, form: str) -> None:
    assert drain(chat, form, "tea", 0) == ([], None)


@pytest.mark.parametrize("form", ["async", "sync"])
@pytest.mark.parametrize("count", [0, 2])
def test_a_declared_error_comes_after_the_items_before_it(
    chat: Chat, chat_impl: ChatImpl, form: str, count: int
) -> None:
    items, error = drain(chat, form, "closed", count)
    assert items == [f"closed {number}" for number in range(count)]
    assert isinstance(error, RoomClosed)
    assert error.room == "closed"
    assert chat_impl.ended.wait(20)


@pytest.mark.parametrize("form", ["async", "sync"])
def test_another_error_comes_without_its_message(chat: Chat, form: str) -> None:
    items, error = drain(chat, form, "broken")
    assert len(items) == 3
    assert isinstance(error, RemoteServiceException)
    assert error.type == "KeyError"
    assert "secret" not in str(error)


def test_an_item_of_a_wrong_type_ends_the_stream_after_those_before_it(chat: Chat, chat_impl: ChatImpl) -> None:
    items, error = drain(chat, "async", "misfit", 5)
    assert items == ["misfit 0", "misfit 1"]
    assert isinstance(error, RemoteServiceException)
    assert chat_impl.ended.wait(20)


def test_leaving_aclosing_ends_the_generator(chat: Chat, chat_impl: ChatImpl) -> None:
    async def read_one() -> str:
        async with aclosing(cast(Any, chat.watch("endless"))) as items:
            async for item in items:
                return str(item)
        raise AssertionError

    assert asyncio.run(read_one()) == "endless 0"
    assert chat_impl.ended.wait(20)


def test_leaving_closing_ends_the_generator(chat: Chat, chat_impl: ChatImpl) -> None:
    with closing(cast(Any, chat.lines("endless"))) as items:
        assert next(items) == "endless 0"
    assert chat_impl.ended.wait(20)


@pytest.mark.parametrize("form", ["async", "sync"])
def test_dropping_the_last_reference_ends_the_generator(chat: Chat, chat_impl: ChatImpl, form: str) -> None:
    async def read_one() -> None:
        items = chat.watch("endless")
        assert await anext(items) == "endless 0"
        del items
        gc.collect()
        assert await asyncio.to_thread(chat_impl.ended.wait, 20)

    if form == "async":
        asyncio.run(read_one())
    else:
        assert next(chat.lines("endless")) == "endless 0"
        gc.collect()
    assert chat_impl.ended.wait(20)


def test_cancelling_the_reader_ends_the_generator(chat: Chat, chat_impl: ChatImpl) -> None:
    async def cancel() -> None:
        reading = asyncio.create_task(taken(chat.watch("endless")))
        await chat_impl.waits.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(chat_impl.ended.wait, 20)

    asyncio.run(cancel())


def limited(chat_impl: ChatImpl, policy: Policy) -> ServiceManager:
    network = InMemoryNetwork(catalog=catalog)
    url = network.start(chat_impl)
    registry = ScriptedRegistry({name: {"dispatch-json": url} for name in network.components(url)})
    return ServiceManager(registry, network.channel_factory, policy=policy, catalog=catalog)


@pytest.mark.parametrize("form", ["async", "sync"])
@pytest.mark.parametrize(
    ("policy", "count"),
    [
        (Policy(timeout=0.05), 0),
        (Policy(idle_timeout=0.3), 2),
        (Policy(timeout=20.0, total_timeout=1.0), 2),
    ],
    ids=["first item", "idle", "total"],
)
def test_each_limit_ends_the_stream_and_the_generator(
    chat_impl: ChatImpl, policy: Policy, count: int, form: str
) -> None:
    with limited(chat_impl, policy) as manager:
        items, error = drain(manager.get_service(Chat), form, "endless", count)
        assert len(items) == count
        assert isinstance(error, DeadlineExceeded)
        assert ("no item came for 0.3 s, the idle_timeout of the policy" in str(error)) == (policy.idle_timeout == 0.3)
        # On a busy machine the limit may pass before the generator has begun.
        assert not chat_impl.begun.is_set() or chat_impl.ended.wait(20)


def test_a_deadline_block_limits_the_whole_stream(chat: Chat, chat_impl: ChatImpl) -> None:
    with deadline(1.0):
        items, error = drain(chat, "async", "endless", 2)
    assert len(items) == 2
    assert isinstance(error, DeadlineExceeded)
    assert chat_impl.ended.wait(20)


def test_a_slow_reader_slows_the_generator(chat: Chat, chat_impl: ChatImpl) -> None:
    async def read_one() -> int:
        async with aclosing(cast(Any, chat.watch("tea", 100_000))) as items:
            await anext(items)
            for _ in range(20):
                await asyncio.sleep(0)
            return chat_impl.produced

    assert asyncio.run(read_one()) < 5000


def test_a_stream_as_argument_is_read_whole(chat: Chat) -> None:
    assert asyncio.run(chat.total(1, counted(1000), factor=2)) == 1 + 2 * sum(range(1000))
    assert chat.total_sync(iter(range(1000))) == sum(range(1000))


def test_an_error_of_the_callers_iterator_is_the_callers(chat: Chat) -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(chat.total(0, broken()))


def test_an_item_that_does_not_fit_is_refused_at_the_caller(chat: Chat) -> None:
    with pytest.raises(ArgumentException, match=r"Chat\.total_sync: items of parameter 'numbers'"):
        chat.total_sync(iter(cast(Any, ["x"])))


def test_a_conversation_answers_each_item_before_the_next_is_sent(chat: Chat, chat_impl: ChatImpl) -> None:
    async def talk() -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def words() -> AsyncIterator[str]:
            for word in ("a", "b", "c"):
                yield word
                assert await heard.get() == word.upper()

        answers: list[str] = []
        async for answer in chat.talk(words()):
            answers.append(answer)
            heard.put_nowait(answer)
        return answers

    assert asyncio.run(talk()) == ["A", "B", "C"]
    assert chat_impl.ended.wait(20)


def test_a_server_that_goes_in_mid_stream_is_a_lost_connection(chat_impl: ChatImpl) -> None:
    network = InMemoryNetwork(catalog=catalog)
    url = network.start(chat_impl)
    registry = ScriptedRegistry({name: {"dispatch-json": url} for name in network.components(url)})
    with ServiceManager(registry, network.channel_factory, catalog=catalog) as manager:

        async def read() -> None:
            async for _ in manager.get_service(Chat).watch("tea", 1000):
                network.stop(url)

        with pytest.raises(ServiceCommunicationException) as caught:
            asyncio.run(read())
        assert caught.value.may_have_run
    assert chat_impl.ended.wait(20)


def test_a_running_stream_counts_as_load(manager: ServiceManager, chat: Chat) -> None:
    items = cast(Any, chat.lines("endless"))
    next(items)
    assert _in_flight(manager.report()) == [1]
    items.close()
    assert _in_flight(manager.report()) == [0]


def _in_flight(report: Any) -> list[int]:
    if isinstance(report, dict) or hasattr(report, "items"):
        own = [report["in_flight"]] if "in_flight" in report else []
        return own + [number for part in report.values() for number in _in_flight(part)]
    if isinstance(report, list | tuple):
        return [number for part in report for number in _in_flight(part)]
    return []


def test_a_local_service_returns_the_generator_itself(chat_impl: ChatImpl) -> None:
    with ServiceManager(LocalComponentRegistry(), implementations=[chat_impl], catalog=catalog) as manager:
        chat = manager.get_service(Chat)
        assert list(chat.lines("tea")) == ["tea 0", "tea 1", "tea 2"]
        assert asyncio.run(taken(chat.watch("tea"))) == ["tea 0", "tea 1", "tea 2"]
