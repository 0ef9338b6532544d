"""Callers that change their mind, and callers with several event loops and processes."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys

import pytest

from service_core import ServiceManager, StaticComponentRegistry
from tests.chaos.ledger import COMPONENT, Journal, Ledger
from tests.chaos.processes import ROOT, ServerProcess
from tests.support.figures import Figures


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a directory of the kernel


async def answers_of(ledger: Ledger, calls: int) -> set[int]:
    """Who answers so many calls at once."""
    return set(await asyncio.gather(*(ledger.read_async(f"entry-{number}") for number in range(calls))))


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
async def test_cancelled_calls_leave_nothing_behind(server: ServerProcess, figures: Figures, channel: str) -> None:
    cancelled, before, tasks = 0, descriptors(), len(asyncio.all_tasks())
    async with ServiceManager(StaticComponentRegistry({COMPONENT: {channel: server.url}})) as manager:
        ledger = manager.get_service(Ledger)
        assert await answers_of(ledger, 200) == {server.pid}
        pool = descriptors()
        while cancelled < 10_000:
            calls = [asyncio.create_task(ledger.linger(random.uniform(0, 0.02))) for _ in range(50)]
            await asyncio.sleep(random.uniform(0, 0.02))
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            cancelled += sum(call.cancelled() for call in calls)
        assert await answers_of(ledger, 200) == {server.pid}
        assert descriptors() <= pool
        figures.add(f"calls cancelled, {channel}: connections for 200 calls at once before", pool - before)
        figures.add(f"calls cancelled, {channel}: connections for 200 calls at once afterwards", descriptors() - before)
    assert len(asyncio.all_tasks()) == tasks
    assert descriptors() == before
    figures.add(f"calls cancelled, {channel}", cancelled)
    figures.add(f"calls cancelled, {channel}: failures of 200 calls afterwards", 0)
    figures.add(f"calls cancelled, {channel}: descriptors and tasks left", 0)


def test_event_loops_in_turn_and_a_fork_do_no_harm(server: ServerProcess, journal: Journal, figures: Figures) -> None:
    command = [sys.executable, "-m", "tests.chaos.forking", server.url]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "fine\n", "")
    executions = journal.counts()
    assert executions["sync"] == 8
    assert {executions[f"async-{number}"] for number in range(20)} == {8}
    figures.add("two event loops in turn, and a fork: failures of 168 calls", 0)
