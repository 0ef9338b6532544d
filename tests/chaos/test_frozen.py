"""One server of three is frozen: it accepts connections and answers nothing. Idempotent calls do not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core import CallCounters, CallEventKind, Policy, ServiceManager, StaticComponentRegistry
from tests.chaos.ledger import COMPONENT, Ledger, MakeLedger
from tests.chaos.load import percentile
from tests.chaos.processes import ServerProcess
from tests.support.figures import Figures

TIMEOUT = 120.0
"""Seconds for a call: a call that waited for the frozen server would need all of them."""


@pytest.fixture
def frozen_one(trio: list[ServerProcess]) -> Iterator[ServerProcess]:
    """The first of the three; it goes on at the end."""
    yield trio[0]
    trio[0].resume()


def test_calls_of_threads_are_answered_by_the_others(
    trio: list[ServerProcess], frozen_one: ServerProcess, ledger_at: MakeLedger, figures: Figures, is_long: bool
) -> None:
    counters, seconds = CallCounters(), list[float]()
    ledger = ledger_at(*(server.url for server in trio), observers=[counters], policy=Policy(timeout=TIMEOUT))

    def calls(count: int) -> None:
        for number in range(count):
            begin = time.monotonic()
            ledger.read(f"read-{number}")
            seconds.append(time.monotonic() - begin)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(calls, [20] * 8))
        seconds.clear()
        frozen_one.pause()
        list(pool.map(calls, [2_000 if is_long else 100] * 8))
    assert max(seconds) < TIMEOUT / 4
    assert counters.total(CallEventKind.HEDGED) > 0
    _add(figures, "threads", seconds)
    figures.add("one of three frozen: calls of threads that were hedged", counters.total(CallEventKind.HEDGED))


def test_calls_of_tasks_are_answered_by_the_others(
    trio: list[ServerProcess], frozen_one: ServerProcess, figures: Figures, is_long: bool
) -> None:
    addresses = {COMPONENT: {"dispatch-msgpack": [server.url for server in trio]}}
    seconds = list[float]()

    async def calls(ledger: Ledger, count: int) -> None:
        for number in range(count):
            begin = time.monotonic()
            await ledger.read_async(f"read-{number}")
            seconds.append(time.monotonic() - begin)

    async def main() -> None:
        async with ServiceManager(StaticComponentRegistry(addresses), policy=Policy(timeout=TIMEOUT)) as manager:
            ledger = manager.get_service(Ledger)
            await asyncio.gather(*(calls(ledger, 20) for _ in range(16)))
            seconds.clear()
            frozen_one.pause()
            await asyncio.gather(*(calls(ledger, 1_000 if is_long else 50) for _ in range(16)))

    asyncio.run(main())
    assert max(seconds) < TIMEOUT / 4
    _add(figures, "tasks", seconds)


def _add(figures: Figures, callers: str, seconds: list[float]) -> None:
    figures.add(f"one of three frozen: p99 of calls of {callers}", percentile(seconds, 0.99) * 1000, "ms")
    figures.add(f"one of three frozen: slowest call of {callers}", max(seconds) * 1000, "ms")
