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


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
async def test_cancelled_calls_leave_nothing_behind(
    server: ServerProcess, figures: Figures, is_long: bool, channel: str
) -> None:
    cancelled, wanted = 0, 10_000 if is_long else 1_000
    before, tasks = descriptors(), len(asyncio.all_tasks())
    async with ServiceManager(StaticComponentRegistry({COMPONENT: {channel: server.url}})) as manager:
        ledger = manager.get_service(Ledger)
        while cancelled < wanted:
            calls = [asyncio.create_task(ledger.linger(random.uniform(0, 0.02))) for _ in range(50)]
            await asyncio.sleep(random.uniform(0, 0.02))
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            cancelled += sum(call.cancelled() for call in calls)
        answers = await asyncio.gather(*(ledger.read_async(f"after-{number}") for number in range(200)))
        assert answers == [server.pid] * 200
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
