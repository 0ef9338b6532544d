"""Server processes that can be killed, stopped for a while, and looked at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.support.consul import ConsulAgent, free_ports
from tests.support.memory import peak_memory, resident_memory

__all__ = ["ServerProcess"]

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """One server of the ledger; it keeps its port when it is started again."""

    def __init__(self, journal: Path, consul: ConsulAgent | None = None, **settings: Any) -> None:
        """Without Consul it is not registered. ``settings`` are those of ``ServerSettings``."""
        (self.port,) = free_ports(1)
        """Where it listens."""
        arguments = [str(self.port), str(journal), json.dumps(settings)]
        self._command = [sys.executable, "-m", "tests.chaos.program", *arguments]
        self._variables = {"SERVICE_CONSUL_URL": consul.url, "SERVICE_CONSUL_CHECK_INTERVAL": "1"} if consul else {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens, as a URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._running.pid

    def launch(self) -> None:
        """Start it, without waiting."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, **self._variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises RuntimeError if it ends instead."""
        stdout = self._running.stdout
        if stdout is None or stdout.readline() != "ready\n":
            raise RuntimeError(f"the server ended with {self._running.wait()} instead of being ready")

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        self.launch()
        self.wait_until_ready()
        return self

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop, and wait until it has; gives the exit status."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it hang."""
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running.send_signal(signal.SIGCONT)

    def memory(self) -> int:
        """Bytes of memory that it has in use."""
        return resident_memory(self.pid)

    def peak_memory(self) -> int:
        """The most bytes of memory that it has had in use."""
        return peak_memory(self.pid)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._end(signal.SIGKILL)

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the server has not been started")
        return self._process

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._running, None
        process.send_signal(number)
        status = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        return status
