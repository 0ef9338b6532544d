"""Several workers on one port behind Consul: one stop for the group, one registration for all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service_core import ServiceManager
from tests.integration.lifecycle.fleet import ROOT, calling
from tests.integration.lifecycle.test_rolling_restart import COMPONENT, instances, until
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent, free_ports
from tests.support.figures import Figures
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

APP = "tests.integration.lifecycle.workers:app"
CHANNEL = "dispatch-msgpack"


@contextmanager
def workers(consul: ConsulAgent, kind: str, count: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An ASGI server with so many workers, the leader of a process group of its own."""
    port = free_ports(1)[0]
    command = {
        "uvicorn": ["uvicorn", APP, "--port", str(port), "--workers", str(count)],
        "gunicorn": [
            *["gunicorn", APP, "-b", f"127.0.0.1:{port}", "-w", str(count)],
            *["-k", "uvicorn_worker.UvicornWorker", "--graceful-timeout", "30"],
        ],
        "gunicorn --preload": [
            *["gunicorn", APP, "-b", f"127.0.0.1:{port}", "-w", str(count), "--preload"],
            *["-k", "uvicorn_worker.UvicornWorker", "--graceful-timeout", "30"],
        ],
    }[kind]
    environment = {
        **os.environ,
        "SERVICE_SERVER_HOST": "127.0.0.1",
        "SERVICE_SERVER_PORT": str(port),
        "SERVICE_CONSUL_URL": consul.url,
        "SERVICE_CONSUL_CHECK_INTERVAL": "1",
        "PYTHONPATH": str(ROOT),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            cwd=ROOT,
            process_group=0,
            stdout=out,
            stderr=out,
        )
    try:
        eventually(lambda: log.read_text().count("Application startup complete") >= count, patience=120)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn", "gunicorn --preload"])
async def test_a_signal_to_the_whole_group_cuts_off_no_call_and_deregisters_once(
    kind: str, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    with workers(consul, kind, 2, tmp_path / "log") as process:
        await asyncio.to_thread(manager.wait_for, WorkService, 60, channel=CHANNEL)
        async with calling(manager, CHANNEL, at_once=20, seconds=3.0) as load:
            await asyncio.sleep(1.0)
            os.killpg(process.pid, signal.SIGTERM)
            load.is_over = True
        await asyncio.to_thread(process.wait, 60)
    assert load.failures == []
    assert load.answered.total() == 20
    assert consul.instances(COMPONENT) == []
    figures.add(f"SIGTERM to the process group of {kind}: calls of 20 that were cut off", len(load.failures))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_worker_that_ends_takes_no_registration_away(
    number: int, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    with workers(consul, "uvicorn", 3, tmp_path / "log") as process:
        await asyncio.to_thread(manager.wait_for, WorkService, 60, channel=CHANNEL)
        async with calling(manager, CHANNEL, at_once=2, seconds=0.05) as load:
            await until(lambda: load.answered.total() > 10)
            os.kill(next(iter(load.answered)), number)
            missing, last = 0, time.monotonic() + 6
            while time.monotonic() < last:
                missing += not instances(manager, CHANNEL)
                await asyncio.sleep(0.05)
        os.killpg(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)
    assert missing == 0
    assert len(load.failures) <= (2 if number == signal.SIGKILL else 0)  # the calls that it was answering
    assert consul.instances(COMPONENT) == []
    figures.add(f"one of three workers ended by {signal.Signals(number).name}: failed calls", len(load.failures))
    figures.add(f"one of three workers ended by {signal.Signals(number).name}: seconds not registered", missing * 0.05)
