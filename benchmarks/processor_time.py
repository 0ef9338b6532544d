"""Processor time per call, of client and server: ``python -m benchmarks.processor_time [--rounds N] [--calls N]``.

The clock of a busy machine swings by half; the time that the scheduler has given to the threads of both processes
(``/proc/PID/task/*/schedstat``, Linux) repeats within some per cent. Of each figure the mean of the lowest quarter of
the rounds is shown, since a busy machine only ever adds to it.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.programs.ours_sync import CATALOG, Benchmark
from benchmarks.programs.ours_values import Person
from benchmarks.programs.person import PERSON
from service_core import ServiceManager, StaticComponentRegistry

_SERVER: Final = Path(__file__).parent / "programs" / "ours_server.py"
_CHANNELS: Final = ("dispatch-msgpack", "dispatch-json")
_WARM: Final = 30
"""Calls before each measurement."""


def main() -> None:
    """Start a server, measure, and write one line for each case."""
    parser = argparse.ArgumentParser(prog="benchmarks.processor_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--calls", type=int, default=200, help="in each round, for each case")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-P", str(_SERVER), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as server:
        _wait(port)
        addresses = {"benchmark-component": dict.fromkeys(_CHANNELS, f"http://127.0.0.1:{port}")}
        with ServiceManager(StaticComponentRegistry(addresses), catalog=CATALOG) as manager:
            _report(_cases(manager), server.pid, options.rounds, options.calls)


def _cases(manager: ServiceManager) -> dict[str, Callable[[], object]]:
    person = Person(**PERSON)
    services = {channel: manager.get_service(Benchmark, channel) for channel in _CHANNELS}
    cases: dict[str, Callable[[], object]] = {}
    for channel, service in services.items():
        cases[f"hello/{channel}"] = partial(service.hello, "world")
        cases[f"model/{channel}"] = partial(service.model, person)
    return cases


def _report(cases: dict[str, Callable[[], object]], server: int, rounds: int, calls: int) -> None:
    taken: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, call in cases.items():
            taken[case].append(_measure(call, server, calls))
    for case, figures in taken.items():
        client, served = (_low([pair[end] for pair in figures]) for end in (0, 1))
        sys.stdout.write(f"{case:24} client {client:6.1f}  server {served:6.1f}  both {client + served:6.1f} us\n")


def _measure(call: Callable[[], object], server: int, calls: int) -> tuple[float, float]:
    """Microseconds per call, of this process and of the server."""
    for _ in range(_WARM):
        call()
    before = _processor_time(os.getpid()), _processor_time(server)
    for _ in range(calls):
        call()
    after = _processor_time(os.getpid()), _processor_time(server)
    return (after[0] - before[0]) / calls / 1000, (after[1] - before[1]) / calls / 1000


def _processor_time(process: int) -> int:
    """Nanoseconds of all threads of a process."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{process}/task").glob("*/schedstat"))


def _low(figures: list[float]) -> float:
    return statistics.mean(sorted(figures)[: max(1, len(figures) // 4)])


def _wait(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
