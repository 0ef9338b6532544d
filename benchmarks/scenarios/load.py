"""Servers in processes of their own, and calls at a rate that does not depend on their answers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from service_core import ServiceException

__all__ = ["Calls", "ServerProcess", "percentile"]

_ROOT = Path(__file__).parents[2]


class ServerProcess:
    """A server of the scenarios' service."""

    def __init__(self, threads: int = 10) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scenarios.work", str(port), str(threads)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def pause(self) -> None:
        """Freeze it."""
        self._process.send_signal(signal.SIGSTOP)


@dataclass
class Calls:
    """Calls made at a rate, with when each was begun and has ended, in seconds from the start."""

    make: Callable[[], Awaitable[object]]
    answered: list[tuple[float, float]] = field(default_factory=list)
    failed: list[tuple[float, float]] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    async def offer(self, rate: float, seconds: float) -> None:
        """Make so many calls per second, and return after that time without waiting for their end."""
        begin, count = time.monotonic(), 0
        while (elapsed := time.monotonic() - begin) < seconds:
            while count < elapsed * rate:
                count += 1
                task = asyncio.ensure_future(self._call())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0.005)

    async def finish(self) -> None:
        """Wait for the calls that are under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def __post_init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        """Seconds from the start."""
        return time.monotonic() - self.start

    def rate(self, begin: float, end: float) -> float:
        """Answers per second in that time."""
        return sum(begin <= at < end for _, at in self.answered) / (end - begin)

    def seconds(self) -> list[float]:
        """What the answered calls took."""
        return [end - begin for begin, end in self.answered]

    async def _call(self) -> None:
        begin = self.now
        try:
            await self.make()
        except ServiceException:
            self.failed.append((begin, self.now))
        else:
            self.answered.append((begin, self.now))


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
