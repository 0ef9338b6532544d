"""A service whose methods notice that their callers are gone."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from service_core import Service, implementation, service

__all__ = ["Lost", "LostImpl"]


@service(name="lost-clients")
class Lost(Service):
    @abstractmethod
    def silence(self) -> AsyncIterator[int]: ...

    @abstractmethod
    def chatter(self) -> AsyncIterator[int]: ...

    @abstractmethod
    def flood(self) -> AsyncIterator[bytes]: ...

    @abstractmethod
    async def upload(self, numbers: AsyncIterator[int]) -> int: ...


@implementation
class LostImpl(Lost):
    """``begun`` and ``ended`` say whether a method runs."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    @contextmanager
    def _runs(self) -> Iterator[None]:
        self.begun.set()
        try:
            yield
        finally:
            self.ended.set()

    async def silence(self) -> AsyncIterator[int]:
        with self._runs():
            yield 1
            await asyncio.Event().wait()

    async def chatter(self) -> AsyncIterator[int]:
        with self._runs():
            while True:
                yield 1
                await asyncio.sleep(0.05)

    async def flood(self) -> AsyncIterator[bytes]:
        with self._runs():
            while True:
                yield bytes(100_000)

    async def upload(self, numbers: AsyncIterator[int]) -> int:
        total = 0
        async for number in numbers:
            with self._runs():
                total += number
                async for another in numbers:
                    total += another
        return total
