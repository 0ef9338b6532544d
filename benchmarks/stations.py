"""The programs that measure, and the servers that they call: processes that live as long as a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, Self
from urllib.parse import quote

from benchmarks.entries import Entry
from benchmarks.environments import python_of

__all__ = ["StationFailed", "Stations"]

_ROOT: Final = Path(__file__).parent.parent
_PROGRAMS: Final[dict[str, str | tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "floor": (("floor_server",), ("floor_client",)),
    "ours": (("ours_server",), ("ours_client",)),
    "aspyx": (("aspyx_peer", "serve"), ("aspyx_peer", "call")),
    "grpc": (("grpc_server",), ("grpc_client",)),
    "connect": (("connect_server",), ("connect_client",)),
    "ours-unix": (("ours_server",), ("ours_client",)),
    "pyro5": (("pyro_server",), ("pyro_client",)),
    "nats": (("nats_server",), ("nats_client",)),
    "frames": (("frames_server",), ("frames_client",)),
    "frames-unix": (("frames_server",), ("frames_client",)),
    "memory": "overhead",
    "startup": "startup",
    "discovery": "discovery",
}
"""What runs for a station: one program, or a server and a client, with their first arguments."""
_PATIENCE: Final = 30.0
"""Seconds for a server to start."""


class StationFailed(Exception):
    """A program has ended before its time; the message has the end of its log."""


class Stations:
    """Starts programs when they are first needed, and ends all of them at the end of the block."""

    def __init__(self, *, apart: bool = False) -> None:
        """``apart`` gives clients one CPU and servers another, as if they ran on machines of their own.

        Otherwise the scheduler likes to put both on one, where they drive each other out of its caches.
        """
        self._cpus = sorted(os.sched_getaffinity(0))[:2] if apart else []
        self._ends = ExitStack()
        self._programs: dict[str, _Program] = {}
        self._servers: dict[str, _Program] = {}
        self._broken: dict[str, str] = {}

    def start(self, station: str) -> None:
        """Start a program and its server, if they do not run yet. Raises StationFailed."""
        if station in self._programs:
            return
        if station in self._broken:
            raise StationFailed(self._broken[station])
        try:
            program = self._start(station)
            program.read()  # says that it is ready
        except StationFailed as failure:
            self._broken[station] = str(failure)
            raise
        self._programs[station] = program

    def measure(self, entry: Entry, seconds: float) -> dict[str, float]:
        """One figure. Raises StationFailed."""
        self.start(entry.station)
        answer: dict[str, Any] = self._programs[entry.station].ask(entry.order(seconds))
        if "error" in answer:
            raise StationFailed(f"{entry.label}: {answer['error']}")
        return answer

    def spend(self, entry: Entry, calls: int) -> dict[str, float]:
        """The processor time of a call in microseconds, as ``client`` and ``server``. Raises StationFailed."""
        self.start(entry.station)
        servers = self._servers[entry.station].with_children()
        order = {**entry.order(0.0), "calls": calls, "servers": servers}
        answer: dict[str, Any] = self._programs[entry.station].ask(order)
        if "error" in answer:
            raise StationFailed(f"{entry.label}: {answer['error']}")
        return answer

    def _start(self, station: str) -> _Program:
        python = python_of(station)
        programs = _PROGRAMS[station]
        if isinstance(programs, str):
            return self._run(python, programs)
        server, client = programs
        if station.endswith("-unix"):
            folder = self._ends.enter_context(tempfile.TemporaryDirectory())
            place, address = f"{folder}/s", f"http+unix://{quote(folder, safe='')}%2Fs"
        else:
            place = str(_free_port())
            address = f"http://127.0.0.1:{place}"
        started = self._servers[station] = self._run(python, *server, place, takes_orders=False)
        started.wait_until_accepting(place)
        return self._run(python, *client, address)

    def _run(self, python: str, program: str, *arguments: str, takes_orders: bool = True) -> _Program:
        path = str(_ROOT / "benchmarks" / "programs" / f"{program}.py")
        # -P: what lies beside a program must not hide what it imports.
        cpus = {self._cpus[0] if takes_orders else self._cpus[-1]} if self._cpus else None
        started = _Program(program, [python, "-P", path, *arguments], takes_orders=takes_orders, cpus=cpus)
        self._ends.callback(started.end)
        return started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.close()


class _Program:
    def __init__(self, name: str, command: list[str], *, takes_orders: bool, cpus: set[int] | None) -> None:
        self._name = name
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._process = subprocess.Popen(
            command,
            cwd=_ROOT,
            # The peers' environments know nothing of this checkout.
            env={**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if takes_orders else self._log,
            stderr=self._log,
            text=True,
        )
        if cpus is not None:
            os.sched_setaffinity(self._process.pid, cpus)  # threads that it starts from now on follow

    def ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise StationFailed(self._last_words()) from None
        return self.read()

    def read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise StationFailed(self._last_words())
        return json.loads(line)

    def with_children(self) -> list[int]:
        """The process and those that it has started, a broker say."""
        number = self._process.pid
        children = Path(f"/proc/{number}/task/{number}/children")
        return [number, *map(int, children.read_text().split() if children.exists() else ())]

    def wait_until_accepting(self, place: str) -> None:
        """Wait for a server on a port or at a path. Raises StationFailed."""
        is_path = "/" in place
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket(socket.AF_UNIX if is_path else socket.AF_INET) as probe:
                if probe.connect_ex(place if is_path else ("127.0.0.1", int(place))) == 0:
                    return
            time.sleep(0.05)
        raise StationFailed(self._last_words())

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        words = self._log.read().decode(errors="replace").splitlines()[-15:]
        return "\n".join([f"{self._name} failed (exit code {self._process.poll()})", *words])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
