"""What it costs to refuse or accept a request: seconds of CPU, and bytes of memory of a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.chaos.varied import varied_dispatcher
from tests.support.memory import peak_memory

__all__ = ["Cost", "cost_of"]

_RUNS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one request costs."""

    status: int
    seconds: float
    """Of CPU time, the least of several runs."""
    memory: int
    """The most bytes that the process has had in use, beyond those before; of the first run."""


def cost_of(form: str, request: bytes) -> Cost:
    """Send a request to a dispatcher in a forked process."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_measure, args=(there, form, request))
    process.start()
    there.close()
    try:
        cost: Cost = here.recv()
    finally:
        process.join()
        here.close()
    return cost


def _measure(connection: Connection, form: str, request: bytes) -> None:
    with varied_dispatcher() as send:
        send(form, b"")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = peak_memory(multiprocessing.current_process().pid or 0)
        status, first = _timed(lambda: send(form, request).status)
        memory = peak_memory(multiprocessing.current_process().pid or 0) - before
        seconds = min(first, *(_timed(lambda: send(form, request).status)[1] for _ in range(_RUNS - 1)))
        connection.send(Cost(status=status, seconds=seconds, memory=memory))


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    begin = time.process_time()
    status = work()
    return status, time.process_time() - begin
