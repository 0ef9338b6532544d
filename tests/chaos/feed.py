"""A server process whose service sends and takes streams: ``python -m tests.chaos.feed``. It prints its port."""

from __future__ import annotations

import asyncio
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator

from service_core import ErrorCode, Service, implementation, raises, service
from service_server_fastapi import serve
from service_server_fastapi.settings import ServerSettings

__all__ = ["Feed", "Spoiled"]


class Spoiled(Exception):
    """A declared error."""

    code = ErrorCode.FAILED_PRECONDITION


@service(name="chaos-feed")
class Feed(Service):
    @abstractmethod
    @raises(Spoiled)
    def numbers(self, count: int, then: str = "") -> AsyncIterator[int]: ...

    @abstractmethod
    def blocks(self, count: int, size: int) -> AsyncIterator[bytes]: ...

    @abstractmethod
    async def total(self, numbers: AsyncIterator[int]) -> int: ...

    @abstractmethod
    async def running(self) -> int: ...


@implementation
class FeedImpl(Feed):
    """Knows how many of its generators run."""

    def __init__(self) -> None:
        self._running = 0

    async def numbers(self, count: int, then: str = "") -> AsyncIterator[int]:
        self._running += 1
        try:
            for number in range(count):
                yield number
            if then == "wait":
                await asyncio.Event().wait()
            if then == "fail":
                raise Spoiled
        finally:
            self._running -= 1

    async def blocks(self, count: int, size: int) -> AsyncIterator[bytes]:
        self._running += 1
        try:
            for _ in range(count):
                yield bytes(size)
        finally:
            self._running -= 1

    async def total(self, numbers: AsyncIterator[int]) -> int:
        total = 0
        async for number in numbers:
            total += number
        return total

    async def running(self) -> int:
        return self._running


def main() -> None:
    with serve(FeedImpl(), port=0, settings=ServerSettings(max_concurrency=2000)) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        server.wait()


if __name__ == "__main__":
    main()
