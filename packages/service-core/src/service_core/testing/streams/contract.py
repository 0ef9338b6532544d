"""The contract of channels about streams, as tests to inherit."""

# ruff: noqa: S101 - asserting is what this is for

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, closing, contextmanager
from typing import Any, ClassVar, cast

from service_core.calling.service_manager import ServiceManager
from service_core.declaring.catalog import default_catalog
from service_core.declaring.policy import Policy
from service_core.errors import ArgumentException, DeadlineExceeded, LocalServiceException
from service_core.registry.base import ComponentRegistry
from service_core.testing.instance_contract import raised
from service_core.testing.scripted_registry import ScriptedRegistry
from service_core.testing.streams.contract_service import StreamContractService, TooMany

_COMPONENT = default_catalog.component_of(StreamContractService).name
_LONG = 20.0
"""Seconds until a generator must have ended."""


class StreamContract:
    """The guarantees of every channel about streams: it carries them, or it refuses them with a message."""

    channel: ClassVar[str]
    """The name of the channel in addresses."""
    results: ClassVar[bool] = True
    """Whether it carries results that are streams."""
    arguments: ClassVar[bool] = True
    """Whether it carries arguments that are streams."""
    conversations: ClassVar[bool] = True
    """Whether it carries both at once."""

    def server(self) -> AbstractContextManager[str]:
        """The address of a server that hosts a ``StreamContractServiceImpl()`` of its own, while the block runs."""
        raise NotImplementedError

    def manager(self, registry: ComponentRegistry, policy: Policy) -> ServiceManager:
        """A manager that can create the channel."""
        return ServiceManager(registry, policy=policy)

    # results

    def test_items_come_in_order(self) -> None:
        with self._service() as service:
            if not self.results:
                _refused(lambda: list(service.count_sync(1)))
                _refused(lambda: asyncio.run(_taken(service.count(1))))
                return
            for count in (0, 1, 1000):
                assert list(service.count_sync(count)) == [*range(count)]
                assert asyncio.run(_taken(service.count(count))) == [*range(count)]

    def test_a_declared_error_comes_after_the_items_before_it(self) -> None:
        if not self.results:
            return
        with self._service() as service:
            for limit in (0, 3):
                expected = ([*range(limit)], TooMany(limit))
                assert _until_error(service.count_sync(5, limit)) == expected
                assert asyncio.run(_until_error_async(service.count(5, limit))) == expected

    def test_leaving_a_stream_ends_its_generator(self) -> None:
        async def leave() -> None:
            async with aclosing(cast(Any, service.tick())) as items:
                assert await anext(items) == 0
                assert await service.running() == 1
            await _all_end(service)

        if not self.results:
            return
        with self._service() as service:
            asyncio.run(leave())
            with closing(cast(Any, service.count_sync(100_000))) as items:
                assert next(items) == 0
            asyncio.run(_all_end(service))

    def test_a_stream_that_pauses_too_long_is_ended(self) -> None:
        async def wait() -> list[int]:
            taken = []
            try:
                async for item in service.tick():
                    taken.append(item)  # noqa: PERF401 - those before the error are kept
            except DeadlineExceeded:
                await _all_end(service)
            return taken

        if not self.results:
            return
        with self._service(Policy(idle_timeout=0.3)) as service:
            assert asyncio.run(wait()) == [0]

    # arguments

    def test_an_argument_is_read_item_by_item(self) -> None:
        with self._service() as service:
            if not self.arguments:
                _refused(lambda: service.total_sync(iter([1])))
                _refused(lambda: asyncio.run(service.total(_numbers(1))))
                return
            for count in (0, 1, 1000):
                assert service.total_sync(iter(range(count))) == sum(range(count))
                assert asyncio.run(service.total(_numbers(count))) == sum(range(count))

    def test_an_item_that_does_not_fit_is_refused_at_the_caller(self) -> None:
        if not self.arguments:
            return
        with self._service() as service:
            error = raised(ArgumentException, lambda: service.total_sync(iter(cast(Any, [1, "x"]))))
            assert "numbers" in str(error)

    # both

    def test_a_conversation_answers_each_item_before_the_next_is_sent(self) -> None:
        async def converse() -> list[str]:
            answered: asyncio.Queue[str] = asyncio.Queue()
            answers = []

            async def words() -> AsyncIterator[str]:
                for word in ("a", "b"):
                    yield word
                    assert await answered.get() == word.upper()

            async for answer in service.echo(words()):
                answers.append(answer)
                answered.put_nowait(answer)
            return answers

        with self._service() as service:
            if self.conversations:
                assert asyncio.run(converse()) == ["A", "B"]
            else:
                _refused(lambda: asyncio.run(converse()))

    @contextmanager
    def _service(self, policy: Policy | None = None) -> Iterator[StreamContractService]:
        registry = ScriptedRegistry()
        with self.server() as url, self.manager(registry, policy or Policy()) as manager:
            registry.offer(_COMPONENT, {self.channel: [url]})
            yield manager.get_service(StreamContractService)


async def _all_end(service: StreamContractService) -> None:
    end = time.monotonic() + _LONG
    while await service.running():
        assert time.monotonic() < end, "a generator has not ended"
        await asyncio.sleep(0.01)


async def _numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def _taken(items: AsyncIterator[int]) -> list[int]:
    return [item async for item in items]


def _until_error(items: Iterator[int]) -> tuple[list[int], TooMany | None]:
    taken = []
    try:
        for item in items:
            taken.append(item)  # noqa: PERF402 - those before the error are kept
    except TooMany as error:
        return taken, error
    return taken, None


async def _until_error_async(items: AsyncIterator[int]) -> tuple[list[int], TooMany | None]:
    taken = []
    try:
        async for item in items:
            taken.append(item)  # noqa: PERF401 - those before the error are kept
    except TooMany as error:
        return taken, error
    return taken, None


def _refused(call: Callable[[], object]) -> None:
    assert "StreamContractService" in str(raised(LocalServiceException, call))
