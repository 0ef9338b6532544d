"""The instances of a soak: servers, and a group of two uvicorn workers, each at a port that it keeps."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Protocol

from tests.chaos.processes import ROOT, ServerProcess
from tests.support.consul import ConsulAgent, free_ports
from tests.support.waiting import eventually

__all__ = ["Group", "Instance", "Single"]

_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_STARTED_WITHIN = 120.0
"""Seconds within which an instance must answer, even on a busy machine."""


class Instance(Protocol):
    """What registers as one instance of the component."""

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    def start(self) -> None:
        """Start it, and wait until it answers."""

    def end(self, number: signal.Signals) -> None:
        """Signal it, and wait for its end."""


class Single:
    """A server of one process."""

    def __init__(self, journal: Path, consul: ConsulAgent) -> None:
        self.process = ServerProcess(journal, consul)
        self.port = self.process.port

    def start(self) -> None:
        self.process.start()

    def end(self, number: signal.Signals) -> None:
        self.process.kill() if number == signal.SIGKILL else self.process.terminate()


class Group:
    """A process group: uvicorn's supervisor and two workers."""

    def __init__(self, journal: Path, consul: ConsulAgent, log: Path) -> None:
        (self.port,) = free_ports(1)
        self._log = log
        self._variables = {
            "SERVICE_SERVER_HOST": "127.0.0.1",
            "SERVICE_SERVER_PORT": str(self.port),
            "SERVICE_CONSUL_URL": consul.url,
            "SERVICE_CONSUL_CHECK_INTERVAL": "1",
            "CHAOS_JOURNAL": str(journal),
        }
        self._leader: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["uvicorn", "tests.chaos.workers:app", "--port", str(self.port), "--workers", "2"]
        with self._log.open("ab") as log:
            self._leader = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, **self._variables},
                process_group=0,
                stdout=log,
                stderr=log,
            )
        eventually(self._is_ready, time_limit=_STARTED_WITHIN)

    def end(self, number: signal.Signals) -> None:
        if self._leader is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._leader.pid, number)
            self._leader.wait()

    def workers(self) -> list[int]:
        """The processes of its workers."""
        assert self._leader is not None
        children = Path(f"/proc/{self._leader.pid}/task/{self._leader.pid}/children").read_text().split()
        return [int(child) for child in children if _is_worker(child)]

    def _is_ready(self) -> bool:
        try:
            with _HTTP.open(f"http://127.0.0.1:{self.port}/health/ready", timeout=5):
                return True
        except OSError:
            return False


def _is_worker(process: str) -> bool:
    with contextlib.suppress(FileNotFoundError):  # it has just ended
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False
