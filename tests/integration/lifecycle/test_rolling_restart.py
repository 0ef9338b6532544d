"""Servers come and go while they are called, and no call is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service_core import ServiceManager
from tests.integration.lifecycle.conftest import MakeServer
from tests.integration.lifecycle.fleet import calling
from tests.integration.lifecycle.work import WorkService
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

COMPONENT = "lifecycle-component"
AT_ONCE = 64


def instances(manager: ServiceManager, channel: str = "dispatch-json") -> tuple[str, ...]:
    """The addresses that the client knows, in its order of preference."""
    snapshot = manager.component_registry.snapshot(COMPONENT) or {}
    return snapshot[channel].urls if channel in snapshot else ()


async def until(holds: Callable[[], bool]) -> float:
    """Wait until something holds; the seconds that it took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < 90
        await asyncio.sleep(0.005)
    return time.monotonic() - begin


async def test_three_rolling_restarts_lose_no_call(
    manager: ServiceManager, make_server: MakeServer, figures: Figures
) -> None:
    servers = [make_server() for _ in range(3)]
    for server in servers:
        await asyncio.to_thread(server.start)
    await until(lambda: len(instances(manager)) == 3)
    stops: list[float] = []

    async with calling(manager, "dispatch-json", at_once=AT_ONCE, seconds=0.1) as load:
        await until(lambda: len(load.answered) == 3)
        for server in servers * 3:
            before = len(load.answered)
            stops.append(await asyncio.to_thread(server.stop))
            assert len(instances(manager)) == 2
            await asyncio.to_thread(server.start)
            await until(lambda: len(load.answered) > before)  # noqa: B023 - called before it changes

    assert load.failures == []
    assert len(load.answered) == 12
    figures.add("three rolling restarts of three servers: calls", load.answered.total())
    figures.add("three rolling restarts of three servers: failed calls", len(load.failures))
    figures.add("three rolling restarts of three servers: stop under load, longest of 9", max(stops) * 1000, "ms")


async def test_calls_in_flight_are_finished_by_a_server_that_stops(
    manager: ServiceManager, make_server: MakeServer, figures: Figures
) -> None:
    server = make_server()
    begin = time.monotonic()
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(manager.wait_for, WorkService)
    await manager.get_service(WorkService).work(0)
    figures.add("cold start of a process to the first answered call", (time.monotonic() - begin) * 1000, "ms")
    async with calling(manager, "dispatch-msgpack", at_once=AT_ONCE, seconds=2.0) as load:
        await asyncio.sleep(0.5)
        begin = time.monotonic()
        server.ask_to_stop(signal.SIGINT)
        load.is_over = True
        code = await asyncio.to_thread(server.ended)
        figures.add("stop with 64 calls of 2 s in flight", (time.monotonic() - begin) * 1000, "ms")

    assert code == 0
    assert load.failures == []
    assert load.answered.total() == AT_ONCE


async def test_an_unhealthy_instance_leaves_the_rotation_and_returns(
    manager: ServiceManager, make_server: MakeServer, figures: Figures, tmp_path: Path
) -> None:
    ill, well = make_server(), make_server()
    file = tmp_path / "health"
    file.write_text("OK")
    await asyncio.to_thread(ill.start, WORK_HEALTH=file)
    await asyncio.to_thread(well.start)
    await until(lambda: len(instances(manager)) == 2)

    async with calling(manager, "dispatch-json", at_once=8, seconds=0.05) as load:
        file.write_text("ERROR")
        out = await until(lambda: instances(manager) == (well.url,))
        file.write_text("OK")
        back = await until(lambda: set(instances(manager)) == {ill.url, well.url})
        file.write_text("WARNING")
        await until(lambda: instances(manager) == (well.url, ill.url))  # second choice, but still one

    assert load.failures == []
    figures.add("an ill instance is out of the rotation (checked each 1 s)", out, "s")
    figures.add("a healed instance is back in the rotation (checked each 1 s)", back, "s")
