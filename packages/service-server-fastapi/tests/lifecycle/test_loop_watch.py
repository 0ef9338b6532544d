"""A watch over the event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

import pytest

from service_server_fastapi.lifecycle.loop_watch import LoopWatch

LIMIT = 0.1


class Shop:
    async def order(self) -> None:
        self.charge()

    def charge(self) -> None:
        time.sleep(10 * LIMIT)

    def calculate(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not until() and time.monotonic() < end:
            json.dumps(list(range(1000)))


async def test_the_function_that_blocks_the_loop_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with LoopWatch(LIMIT):
        for _ in range(3):
            await Shop().order()
            await asyncio.sleep(LIMIT)
    reports = [record.getMessage() for record in caplog.records if record.name == "service.server"]
    assert len(reports) == 1
    assert reports[0].startswith(f"Shop.charge ({__file__}:{Shop.charge.__code__.co_firstlineno + 1}) has blocked")
    assert reports[0].endswith(
        "declare the method with 'def', which runs in a worker thread, or await what it waits for"
    )


async def test_calculations_block_the_loop_as_well(caplog: pytest.LogCaptureFixture) -> None:
    with LoopWatch(LIMIT):
        Shop().calculate(lambda: bool(caplog.records))
    assert "Shop.calculate" in caplog.text


async def test_a_loop_that_only_waits_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    with LoopWatch(LIMIT), caplog.at_level(logging.DEBUG, "service.server"):
        await asyncio.sleep(5 * LIMIT)
    assert not [record for record in caplog.records if record.name == "service.server"]
