"""The service that :class:`StreamContract` calls."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from service_core.declaring.decorators import raises, service
from service_core.declaring.interfaces import Service
from service_core.rest import get, post, rest


@dataclass
class TooMany(Exception):
    """An error that the interface declares."""

    limit: int


@rest("/stream-contract")
@service(name="stream-contract-service")
class StreamContractService(Service):
    """A method for each form of a stream."""

    @abstractmethod
    @get("/count")
    @raises(TooMany)
    def count(self, to: int, limit: int = 1_000_000) -> AsyncIterator[int]:
        """The numbers below ``to``; TooMany after ``limit`` of them."""

    @abstractmethod
    @get("/count-sync")
    @raises(TooMany)
    def count_sync(self, to: int, limit: int = 1_000_000) -> Iterator[int]:
        """As :meth:`count`."""

    @abstractmethod
    @get("/tick")
    def tick(self) -> AsyncIterator[int]:
        """One number, and nothing more, without an end."""

    @abstractmethod
    @post("/total")
    async def total(self, numbers: AsyncIterator[int]) -> int:
        """The sum of the numbers."""

    @abstractmethod
    @post("/total-sync")
    def total_sync(self, numbers: Iterator[int]) -> int:
        """As :meth:`total`."""

    @abstractmethod
    def echo(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        """Each word at once, in capitals."""

    @abstractmethod
    @get("/running")
    async def running(self) -> int:
        """How many generators of this instance have begun and not ended."""


class StreamContractServiceImpl(StreamContractService):
    """Hosted by the server of a contract."""

    def __init__(self) -> None:
        self._running = 0

    async def count(self, to: int, limit: int = 1_000_000) -> AsyncIterator[int]:
        self._running += 1
        try:
            for number in range(to):
                if number == limit:
                    raise TooMany(limit)
                yield number
        finally:
            self._running -= 1

    def count_sync(self, to: int, limit: int = 1_000_000) -> Iterator[int]:
        self._running += 1
        try:
            for number in range(to):
                if number == limit:
                    raise TooMany(limit)
                yield number
        finally:
            self._running -= 1

    async def tick(self) -> AsyncIterator[int]:
        self._running += 1
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            self._running -= 1

    async def total(self, numbers: AsyncIterator[int]) -> int:
        return sum([number async for number in numbers])

    def total_sync(self, numbers: Iterator[int]) -> int:
        return sum(numbers)

    async def echo(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            yield word.upper()

    async def running(self) -> int:
        return self._running
