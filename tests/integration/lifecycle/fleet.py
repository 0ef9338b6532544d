"""Servers as processes, and clients that keep calling them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from service_core import ServiceManager
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent

__all__ = ["Load", "WorkServer", "calling"]

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


class WorkServer:
    """A process that serves the work; it can be started again on its port."""

    def __init__(self, consul: ConsulAgent, port: int, **settings: object) -> None:
        """``settings`` are those of the server."""
        reported = {"host": "127.0.0.1", "port": port, **settings}
        self._environment = {
            **os.environ,
            **{f"SERVICE_SERVER_{name.upper()}": str(value) for name, value in reported.items()},
            "SERVICE_CONSUL_URL": consul.url,
            "SERVICE_CONSUL_CHECK_INTERVAL": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None
        return self._process.pid

    def launch(self, **variables: object) -> subprocess.Popen[str]:
        """Start it, without waiting."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.lifecycle.work"],
            stdout=subprocess.PIPE,
            text=True,
            env={**self._environment, **{name: str(value) for name, value in variables.items()}},
        )
        return self._process

    def start(self, **variables: object) -> float:
        """Start it, and wait until it answers; the seconds that it took."""
        begin = time.monotonic()
        process = self.launch(**variables)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("serving on "):
            raise RuntimeError(f"the server did not start; it ended with {process.wait(PATIENCE)}")
        return time.monotonic() - begin

    def ask_to_stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(PATIENCE)
        self._process.stdout.close()
        self._process = None
        return code

    def stop(self) -> float:
        """End it in order; the seconds that it took."""
        begin = time.monotonic()
        self.ask_to_stop()
        assert self.ended() == 0
        return time.monotonic() - begin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self.ended()


class Load:
    """What came of many calls at once."""

    def __init__(self) -> None:
        self.answered: Counter[int] = Counter()
        """Calls by the process that answered."""
        self.failures: list[Exception] = []
        self.is_over = False

    async def call(self, work: WorkService, seconds: float) -> None:
        """Call again and again until it is over."""
        while not self.is_over:
            try:
                self.answered[await work.work(seconds)] += 1
            except Exception as error:  # noqa: BLE001 - counted
                self.failures.append(error)
                await asyncio.sleep(seconds)


@asynccontextmanager
async def calling(manager: ServiceManager, channel: str, *, at_once: int, seconds: float) -> AsyncIterator[Load]:
    """Keep so many calls in flight inside the block."""
    load = Load()
    work = manager.get_service(WorkService, channel)
    callers = [asyncio.create_task(load.call(work, seconds)) for _ in range(at_once)]
    try:
        yield load
    finally:
        load.is_over = True
        await asyncio.gather(*callers)
