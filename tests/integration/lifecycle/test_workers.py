"""Several workers on one port behind Consul: those that end one by one take no registration away."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.client
import json
import os
import signal
import time
from pathlib import Path

import pytest

from service_core import ServiceManager
from service_core.registry.subscription import Snapshot
from tests.integration.lifecycle.fleet import calling
from tests.integration.lifecycle.running import CHANNEL, COMPONENT, Running, running
from tests.integration.lifecycle.test_rolling_restart import instances, until
from tests.integration.lifecycle.ways import GUNICORN, Way
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

THREE = Way(name="uvicorn --workers 3", command="uvicorn {app} --port {port} --workers 3", workers=3)
RECYCLING = Way(name="gunicorn --max-requests", command=f"{GUNICORN} -w 2 --max-requests 300", workers=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_worker_that_ends_takes_no_registration_away(
    number: int, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    with running(THREE, consul, tmp_path) as server:
        await asyncio.to_thread(server.wait_for_workers, 3)
        await asyncio.to_thread(manager.wait_for, WorkService, 60, channel=CHANNEL)
        async with calling(manager, CHANNEL, at_once=2, seconds=0.05) as load:
            await until(lambda: load.answered.total() > 10)
            os.kill(next(iter(load.answered)), number)
            missing, last = 0, time.monotonic() + 6
            while time.monotonic() < last:
                missing += not instances(manager, CHANNEL)
                await asyncio.sleep(0.05)
        await asyncio.to_thread(server.end)
    assert missing == 0
    assert len(load.failures) <= (2 if number == signal.SIGKILL else 0)  # the calls that it was answering
    assert consul.instances(COMPONENT) == []
    name = f"one of three workers ended by {signal.Signals(number).name}"
    figures.add(f"{name}: failed calls", len(load.failures))
    figures.add(f"{name}: seconds not registered", missing * 0.05)


async def test_workers_that_are_recycled_by_count_stay_registered_and_fail_no_call(
    consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    with running(RECYCLING, consul, tmp_path) as server:
        await asyncio.to_thread(server.wait_for_workers, 2)
        await asyncio.to_thread(manager.wait_for, WorkService, 60, channel=CHANNEL)
        missing: list[float] = []

        def watch(snapshot: Snapshot) -> None:
            if not snapshot:
                missing.append(time.monotonic())

        unsubscribe = manager.component_registry.subscribe(COMPONENT, watch)
        async with calling(manager, CHANNEL, at_once=1, seconds=0.5) as load:
            for _ in range(2):
                worker = await asyncio.to_thread(use_up_one, server.port)
                await asyncio.to_thread(eventually, functools.partial(replaced, worker, server), time_limit=90)
        unsubscribe()
        await asyncio.to_thread(server.end)
    figures.add("gunicorn --max-requests, two workers replaced: calls", load.answered.total())
    figures.add("gunicorn --max-requests, two workers replaced: failed calls", len(load.failures))
    assert load.failures == []
    assert missing == []
    assert consul.instances(COMPONENT) == []


def use_up_one(port: int) -> int:
    """Call one worker until it ends the connection, since it has answered as many requests as it may; which it was."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        worker = _call(connection)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.auto_open = 0
            while True:
                _call(connection)
    return worker


def _call(connection: http.client.HTTPConnection) -> int:
    body = b'{"method":"lifecycle-component:lifecycle-work:work","args":[0.0]}'
    connection.request("POST", "/invoke", body, {"content-type": "application/json"})
    answered: int = json.load(connection.getresponse())["result"]
    return answered


def replaced(worker: int, server: Running) -> bool:
    """Whether two workers share the registration and this one is none of them."""
    found = server.workers()
    return len(found) == 2 and worker not in found
