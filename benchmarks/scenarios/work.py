"""The service of the scenarios, and its server: ``python -m benchmarks.scenarios.work PORT THREADS``."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from abc import abstractmethod
from typing import Final

from service_core import Service, idempotent, service
from service_server_fastapi import serve
from service_server_fastapi.settings import ServerSettings

__all__ = ["PLACES", "Work"]

PLACES: Final = 10
"""How many calls of :meth:`Work.linger` have what they need at once."""


@service(name="scenario-work")
class Work(Service):
    """Methods that take a while."""

    @abstractmethod
    def block(self, seconds: float) -> None:
        """Block a thread."""

    @abstractmethod
    async def linger(self, seconds: float) -> None:
        """Hold one of the places."""

    @abstractmethod
    def hot(self) -> None:
        """Block a thread for a millisecond."""

    @abstractmethod
    @idempotent
    async def read(self) -> None:
        """Take 20 ms."""

    @abstractmethod
    @idempotent
    async def sometimes_slow(self) -> None:
        """Take 5 ms, and 500 ms once in 50 times."""

    @abstractmethod
    async def fail(self) -> None:
        """Fail at once, on an instance that was broken, else take 20 ms."""

    @abstractmethod
    async def break_down(self) -> None:
        """Let :meth:`fail` fail on this instance from now on."""


class WorkImpl(Work):
    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PLACES)
        self._is_broken = False

    def block(self, seconds: float) -> None:
        time.sleep(seconds)

    async def linger(self, seconds: float) -> None:
        async with self._places:
            await asyncio.sleep(seconds)

    def hot(self) -> None:
        time.sleep(0.001)

    async def read(self) -> None:
        await asyncio.sleep(0.02)

    async def sometimes_slow(self) -> None:
        await asyncio.sleep(0.5 if random.random() < 0.02 else 0.005)

    async def fail(self) -> None:
        if self._is_broken:
            raise ValueError("broken")
        await asyncio.sleep(0.02)

    async def break_down(self) -> None:
        self._is_broken = True


def main() -> None:
    settings = ServerSettings(worker_threads=int(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]))
    with serve(WorkImpl(), port=settings.port, settings=settings) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.wait()


if __name__ == "__main__":
    main()
