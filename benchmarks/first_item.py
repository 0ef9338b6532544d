"""The first item of a stream beside a plain call, on one warm connection: ``python -m benchmarks.first_item``.

Each round makes the same number of calls and of streams of one item, in turns. Shown are medians of the rounds: the
time until the result or the first item is there, and the processor time of client and server for the whole of it.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.programs import ours_async, ours_sync
from service_core import ServiceManager, StaticComponentRegistry
from tests.support.waiting import eventually

_ROUNDS: Final = 12
_CALLS: Final = 150
_PORT: Final = 8749
_CHANNEL: Final = "dispatch-msgpack"

Figures = list[tuple[float, float, float]]
"""Of each round: microseconds to the first result, of the client's processor, of the server's."""


def main() -> None:
    """Measure both forms, and write a table in Markdown."""
    command = [sys.executable, "-m", "benchmarks.programs.ours_server", str(_PORT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        registry = StaticComponentRegistry({"benchmark-component": {_CHANNEL: f"http://127.0.0.1:{_PORT}"}})
        sys.stdout.write("| | first result | client | server |\n|---|---|---|---|\n")
        with ServiceManager(registry) as manager:
            asyncio.run(_measure_async(manager.get_service(ours_async.Benchmark, _CHANNEL), server.pid))
        with ServiceManager(registry, catalog=ours_sync.CATALOG) as manager:
            _measure_sync(manager.get_service(ours_sync.Benchmark, _CHANNEL), server.pid)
        server.communicate()


async def _measure_async(service: ours_async.Benchmark, server: int) -> None:
    async def call() -> float:
        await service.hello("world")
        return time.perf_counter()

    async def stream() -> float:
        times = [time.perf_counter() async for _ in service.numbers(1)]
        return times[0]

    async def burst(step: Callable[[], Coroutine[Any, Any, float]]) -> list[float]:
        return [await step() - begin for begin in _begins()]

    eventually(_serves)
    figures: dict[str, Figures] = {"async call": [], "async stream": []}
    for round_ in range(_ROUNDS + 1):
        for name, step in (("async call", call), ("async stream", stream)):
            before = _processor(server)
            taken = await burst(step)
            if round_:  # the first is for warming up
                figures[name].append(_figure(taken, before, _processor(server)))
    _write(figures)


def _measure_sync(service: ours_sync.Benchmark, server: int) -> None:
    def call() -> float:
        service.hello("world")
        return time.perf_counter()

    def stream() -> float:
        times = [time.perf_counter() for _ in service.numbers(1)]
        return times[0]

    figures: dict[str, Figures] = {"sync call": [], "sync stream": []}
    for round_ in range(_ROUNDS + 1):
        for name, step in (("sync call", call), ("sync stream", stream)):
            before = _processor(server)
            taken = [step() - begin for begin in _begins()]
            if round_:
                figures[name].append(_figure(taken, before, _processor(server)))
    _write(figures)


def _serves() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", _PORT)) == 0


def _begins() -> Iterator[float]:
    for _ in range(_CALLS):
        yield time.perf_counter()


def _processor(server: int) -> tuple[float, float]:
    """Seconds of the processor that this process and the server have used."""
    tasks = Path(f"/proc/{server}/task").glob("*/schedstat")
    return time.process_time(), sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _figure(taken: list[float], before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float, float]:
    client, server = (b - a for a, b in zip(before, after, strict=True))
    return statistics.median(taken) * 1e6, client / _CALLS * 1e6, server / _CALLS * 1e6


def _write(figures: dict[str, Figures]) -> None:
    for name, rounds in figures.items():
        columns = (statistics.median(column) for column in zip(*rounds, strict=True))
        sys.stdout.write(f"| {name} | {' | '.join(f'{value:.0f} us' for value in columns)} |\n")


if __name__ == "__main__":
    main()
