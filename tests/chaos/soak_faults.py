"""What happens to servers, agent and client during a soak."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from service_core import ServiceException
from tests.chaos.ledger import COMPONENT, Ledger
from tests.chaos.processes import ROOT, ServerProcess
from tests.support.consul import ConsulAgent, free_ports
from tests.support.waiting import eventually

__all__ = ["Faults"]

FROZEN = 1.0
"""Seconds for which a server is stopped."""


class Faults:
    """Three servers and one with two uvicorn workers, at one agent.

    Of the four at most one is away at a time: before it ends another one, a fault waits until all are registered.
    """

    def __init__(self, consul: ConsulAgent, journal: Path, folder: Path) -> None:
        self._consul = consul
        self._servers = [ServerProcess(journal, consul) for _ in range(3)]
        self._turn = 0
        self._starting: set[ServerProcess] = set()
        self._journal = journal
        self._log = folder / "workers.log"
        (self._port,) = free_ports(1)
        self._group: subprocess.Popen[bytes] | None = None

    def kinds(self, ledger: Ledger) -> Mapping[str, Callable[[], object]]:
        """What can happen, by name."""
        return {
            "kill": self.kill,
            "freeze": self.freeze,
            "SIGTERM to one": self.terminate,
            "SIGTERM to a group": self.terminate_group,
            "a worker replaced": self.recycle,
            "agent restarted": self.restart_agent,
            "fork of the client": lambda: fork(ledger),
        }

    def are_all_registered(self) -> bool:
        """Whether all four are healthy at the agent."""
        with contextlib.suppress(OSError):
            found = self._consul.request("GET", f"/v1/health/service/{COMPONENT}?passing=1")
            return len(found) == len(self._servers) + 1
        return False

    def kill(self) -> None:
        server = self._next()
        server.kill()
        self._launch(server)

    def freeze(self) -> None:
        server = self._next()
        server.pause()
        time.sleep(FROZEN)
        server.resume()

    def terminate(self) -> None:
        server = self._next()
        server.terminate()
        self._launch(server)

    def terminate_group(self) -> None:
        self._wait_for_all()
        self._end_group(signal.SIGTERM)
        self._start_group()

    def recycle(self) -> None:
        """End one worker in order, if the group has started them; its supervisor starts another one."""
        assert self._group is not None
        children = Path(f"/proc/{self._group.pid}/task/{self._group.pid}/children").read_text().split()
        workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        for worker in workers[:1]:
            os.kill(int(worker), signal.SIGTERM)

    def restart_agent(self) -> None:
        """It loses all that it knew."""
        self._consul.kill()
        self._consul.start()

    def __enter__(self) -> Self:
        self._start_group()
        for server in self._servers:
            self._launch(server)
        return self

    def __exit__(self, *exc: object) -> None:
        for server in self._servers:
            server.__exit__(*exc)
        self._end_group(signal.SIGKILL)

    def _next(self) -> ServerProcess:
        self._turn += 1
        self._wait_for_all()
        return self._servers[self._turn % len(self._servers)]

    def _wait_for_all(self) -> None:
        while self._starting:
            self._starting.pop().wait_until_ready()
        eventually(self.are_all_registered, time_limit=120)

    def _launch(self, server: ServerProcess) -> None:
        server.launch()
        self._starting.add(server)

    def _start_group(self) -> None:
        command = ["uvicorn", "tests.chaos.workers:app", "--port", str(self._port), "--workers", "2"]
        with self._log.open("ab") as log:
            self._group = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={
                    **os.environ,
                    "SERVICE_SERVER_HOST": "127.0.0.1",
                    "SERVICE_SERVER_PORT": str(self._port),
                    "SERVICE_CONSUL_URL": self._consul.url,
                    "SERVICE_CONSUL_CHECK_INTERVAL": "1",
                    "CHAOS_JOURNAL": str(self._journal),
                },
                process_group=0,
                stdout=log,
                stderr=log,
            )

    def _end_group(self, number: int) -> None:
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group.pid, number)
            self._group.wait()


def fork(ledger: Ledger) -> None:
    """Call in a forked child, as a worker of a pool does, while other threads call in the parent."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        with contextlib.suppress(ServiceException):
            ledger.read(f"child-{os.getpid()}")
        os._exit(0)
    threading.Thread(target=os.waitpid, args=(child, 0)).start()
