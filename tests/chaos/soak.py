"""All faults at once, for as long as wanted: ``python -m tests.chaos.soak SECONDS``.

64 calls are in flight, half of them of methods that must not run twice, half from event loops and half from threads.
Each 2 s a fault begins at the servers, the agent or the client. At the end it prints, as JSON, what has failed by
kind, what has run twice, and the descriptors, threads and memory of the client before and after.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service_core import ComponentRegistry, ServiceException, ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.chaos.ledger import COMPONENT, Journal, Ledger
from tests.chaos.soak_faults import Faults
from tests.chaos.soak_fleet import Group, Single
from tests.support.consul import ConsulAgent
from tests.support.memory import MB, resident_memory
from tests.support.waiting import eventually

__all__ = ["soak"]

IN_FLIGHT = 64
EVERY = 2.0
"""Seconds between two faults."""
TAKES = 0.25
"""Seconds that a method takes."""
PAUSE = 0.1
"""Seconds for which a caller waits after a failure."""
RECOVERY = 15.0
"""Seconds without faults at the end; none of the last five may have a failure."""


class Callers:
    """Threads and tasks that call again and again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self.calls = 0
        self.failures: Counter[str] = Counter()
        """Failed calls by the method's kind, the error, and whether it may have run."""
        self.first: dict[str, tuple[float, str]] = {}
        """The first failure of each kind: when, and its message."""
        self.last_failure = 0.0
        """When the last call failed."""
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(IN_FLIGHT // 2)]
        self._threads.append(threading.Thread(target=lambda: asyncio.run(self._call_async())))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _call(self, caller: int) -> None:
        for number in itertools.count():
            if self._is_over.is_set():
                return
            kind = "idempotent" if number % 2 else "other"
            method = self._ledger.read_slowly if number % 2 else self._ledger.book_slowly
            try:
                method(f"{kind}-{caller}-{number}", TAKES)
            except ServiceException as error:
                self._failed(kind, error)
                time.sleep(PAUSE)
            self._count()

    async def _call_async(self) -> None:
        await asyncio.gather(*(self._call_from_a_task(number) for number in range(IN_FLIGHT // 2)))

    async def _call_from_a_task(self, caller: int) -> None:
        for number in itertools.count():
            if self._is_over.is_set():
                return
            kind = "idempotent" if number % 2 else "other"
            method = self._ledger.read_slowly_async if number % 2 else self._ledger.book_slowly_async
            try:
                await method(f"{kind}-async-{caller}-{number}", TAKES)
            except ServiceException as error:
                self._failed(kind, error)
                await asyncio.sleep(PAUSE)
            self._count()

    def _count(self) -> None:
        with self._lock:
            self.calls += 1

    def _failed(self, kind: str, error: ServiceException) -> None:
        name = f"{kind}: {type(error).__name__}, {'may have run' if error.may_have_run else 'did not run'}"
        with self._lock:
            self.failures[name] += 1
            self.last_failure = time.monotonic()
            self.first.setdefault(name, (self.last_failure, str(error)))


def held() -> dict[str, float]:
    """What this process has in use."""
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "megabytes": round(resident_memory(os.getpid()) / MB, 1),
    }


def soak(seconds: float, folder: Path) -> dict[str, Any]:
    """Call and harm for so long; what came of it."""
    journal = Journal(folder / "journal")
    with ExitStack() as stack:
        stack.callback(journal.close)
        consul = stack.enter_context(ConsulAgent())
        registry = ConsulComponentRegistry(0, consul.url)
        ledger = stack.enter_context(ServiceManager(registry)).get_service(Ledger)
        servers = [Single(journal.path, consul) for _ in range(3)]
        group = Group(journal.path, consul, folder / "workers.log")
        faults = stack.enter_context(Faults(servers, group, consul, ledger, lambda: known_ports(registry)))
        eventually(lambda: len(known_ports(registry)) == 4, time_limit=120)
        callers = Callers(ledger)
        callers.start()
        stack.callback(callers.end)
        eventually(lambda: callers.calls > 10 * IN_FLIGHT, time_limit=60)
        before, start = held(), time.monotonic()
        _harm(faults, seconds)
        time.sleep(RECOVERY)
        after, end = held(), time.monotonic()
        callers.end()
    if faults.errors:
        raise ExceptionGroup("the soak itself failed", faults.errors)
    counts = journal.counts()
    return {
        "seconds": seconds,
        "load average": round(os.getloadavg()[0], 1),
        "faults": dict(Counter(kind for _, kind in faults.begun)),
        "order of faults": [f"{at - start:.0f} s: {kind}" for at, kind in faults.begun],
        "calls": callers.calls,
        "failures": dict(callers.failures),
        "first failures": {kind: f"{at - start:.1f} s: {error}" for kind, (at, error) in callers.first.items()},
        "failed calls of forked children": faults.failed_children,
        "fails at the end": callers.last_failure > end - 5,
        "ran twice": sum(count > 1 for entry, count in counts.items() if entry.startswith("other-")),
        "before": before,
        "after": after,
    }


def known_ports(registry: ComponentRegistry) -> set[int]:
    """The ports of the instances that the callers know."""
    snapshot = registry.snapshot(COMPONENT) or {}
    return {urlsplit(url).port or 0 for found in snapshot.values() for url in found.urls}


def _harm(faults: Faults, seconds: float) -> None:
    """Begin a fault each ``EVERY`` seconds, and wait until all is up again."""
    for _ in range(int(seconds / EVERY)):
        begin = time.monotonic()
        faults.begin_next()
        time.sleep(max(0.0, EVERY - (time.monotonic() - begin)))
    faults.finish()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        result = soak(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0, Path(name))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.exit(1 if result["ran twice"] or result["fails at the end"] else 0)
