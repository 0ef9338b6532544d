"""A server of the work that runs in one of the ways, and its stop under load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_core import ServiceManager
from tests.integration.lifecycle.fleet import ROOT, calling
from tests.integration.lifecycle.ways import Way
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent, free_ports
from tests.support.figures import Figures
from tests.support.waiting import eventually

__all__ = ["CHANNEL", "COMPONENT", "Running", "end_the_group_under_load", "fail_to_start", "forwarding", "running"]

APP = "tests.integration.lifecycle.workers:app"
CHANNEL = "dispatch-msgpack"
COMPONENT = "lifecycle-component"
ADVERTISED = "localhost"
"""The host that callers get, which is not the one that the server listens on."""
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs, the leader of a process group of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def workers(self) -> list[int]:
        """The processes that share the registration, as one of them reports it; empty if none is registered."""
        with contextlib.suppress(OSError):
            with _HTTP.open(f"http://127.0.0.1:{self.port}/report", timeout=10) as answer:
                report: Any = json.load(answer)
            if report["hosts"][COMPONENT]["addresses"]:
                processes: list[int] = report["hosts"][COMPONENT]["processes"]
                return processes
        return []

    def wait_for_workers(self, count: int) -> list[int]:
        """Wait until so many share the registration; returns them. Raises AssertionError with the log if it ends."""

        def look() -> list[int]:
            assert self.process.poll() is None, self.log.read_text()
            found = self.workers()
            return found if len(found) == count else []

        return eventually(look, time_limit=120)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the whole process group a signal, and wait for its end; the exit code of the leader."""
        os.killpg(self.process.pid, number)
        return self.process.wait(90)


@contextlib.contextmanager
def running(way: Way, consul: ConsulAgent, folder: Path, **variables: object) -> Iterator[Running]:
    """Serve the work in that way until the end of the block; ``variables`` are added to the environment."""
    port, uds, log = free_ports(1)[0], folder / "server.sock", folder / "log"
    with contextlib.ExitStack() as stack:
        fds: Sequence[int] = ()
        if "{fd}" in way.command:
            bound = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=128))
            fds = (bound.fileno(),)
        command = way.command.format(app=APP, port=port, uds=uds, fd=fds[0] if fds else "").split()
        out = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **_environment(consul, port), **{name: str(value) for name, value in variables.items()}},
            cwd=ROOT,
            process_group=0,
            pass_fds=fds,
            stdout=out,
            stderr=out,
        )
        try:
            yield Running(process=process, port=port, log=log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(consul: ConsulAgent, port: int) -> dict[str, str]:
    return {
        "SERVICE_SERVER_HOST": "127.0.0.1",
        "SERVICE_SERVER_PORT": str(port),
        "SERVICE_SERVER_REPORT": "true",
        "SERVICE_SERVER_DETAILS": "true",
        "SERVICE_CONSUL_URL": consul.url,
        "SERVICE_CONSUL_CHECK_INTERVAL": "1",
        "SERVICE_CONSUL_ADVERTISE_ADDRESS": ADVERTISED,
        "PYTHONPATH": str(ROOT),
    }


async def end_the_group_under_load(
    way: Way, server: Running, consul: ConsulAgent, manager: ServiceManager, figures: Figures
) -> None:
    """Signal the whole group with 20 calls in flight: all are answered, by all workers, and the instance is gone.

    Before that, a call forks and terminates a child. Each worker is shut down once, and no child of one.
    """
    processes = await asyncio.to_thread(server.wait_for_workers, way.workers)
    snapshot = await asyncio.to_thread(manager.wait_for, WorkService, 60, channel=CHANNEL)
    assert len(processes) == way.workers
    [instance] = consul.instances(COMPONENT)
    assert (instance["Service"]["Address"], instance["Service"]["Port"]) == (ADVERTISED, server.port)
    assert snapshot[CHANNEL].urls == (f"http://{ADVERTISED}:{server.port}",)
    work = manager.get_service(WorkService, CHANNEL)
    assert await asyncio.to_thread(work.terminate_child) == -signal.SIGTERM
    async with calling(manager, CHANNEL, at_once=20, seconds=2.0) as load:
        await asyncio.sleep(1.0)
        begin = time.monotonic()
        stop = asyncio.create_task(asyncio.to_thread(server.end))
        load.is_over = True
    await stop
    figures.add(f"SIGTERM to the process group of {way}: calls of 20 that were cut off", len(load.failures))
    figures.add(f"SIGTERM to the process group of {way}: ended after", time.monotonic() - begin, "s")
    assert load.failures == []
    assert load.answered.total() == 20
    assert set(load.answered) <= set(processes)
    assert consul.instances(COMPONENT) == []
    assert sorted(re.findall(r"shutdown of (\d+)", server.log.read_text())) == sorted(map(str, processes))


def fail_to_start(way: Way, consul: ConsulAgent, folder: Path) -> None:
    """Start in that way, which fails: the program ends, unless it watches files, and leaves nothing."""
    with running(way, consul, folder, WORK_FAILS=1) as server:
        if way.restarts:
            eventually(lambda: "this start fails" in server.log.read_text(), time_limit=60)
            server.end()
        else:
            assert (server.process.wait(60) == 0) is way.hides_failure
            assert "this start fails" in server.log.read_text()
        assert consul.instances(COMPONENT) == []
    with socket.create_server(("127.0.0.1", server.port)):
        pass


@contextlib.asynccontextmanager
async def forwarding(port: int, uds: Path) -> AsyncIterator[None]:
    """Forward connections from a port to a Unix domain socket, as a gateway does."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, back = await asyncio.open_unix_connection(uds)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back), pump(onward, writer))

    async with await asyncio.start_server(forward, "127.0.0.1", port):
        yield
