"""How the measuring programs take orders: one line of JSON in, one line of JSON out. Standard library only.

An order names what to measure (``case``, ``size``), how (``mode``, ``width``) and for how long (``seconds``). The
answer has ``value``, the figure in the unit of the question, or ``error``, the reason why there is none. An order with
``calls`` asks for the processor time of so many calls instead, of this process and of the processes ``servers``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.programs.processor import spent, spent_async

__all__ = ["Call", "CallAsync", "measure_calls", "one_at_a_time", "take_orders"]

Call = Callable[[], object]
CallAsync = Callable[[], Awaitable[object]]

_WARM = 3
"""Calls of each thread or task before the clock starts."""


def take_orders(carry_out: Callable[[dict[str, Any]], dict[str, float]]) -> None:
    """Answer orders until the standard input ends. What the measured code prints goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        answers.write('"ready"\n')
        answers.flush()
        for line in sys.stdin:
            answers.write(json.dumps(_answer(carry_out, json.loads(line))) + "\n")
            answers.flush()


def _answer(carry_out: Callable[[dict[str, Any]], dict[str, float]], order: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(carry_out(order))
    except Exception:  # noqa: BLE001 - whatever it is, it is the answer
        return {"error": traceback.format_exc()}


def measure_calls(
    sync: Callable[[str, int], Call], asynchronous: Callable[[str, int], CallAsync] | None = None
) -> None:
    """Answer orders with microseconds per call (``width`` 1) or calls per second (more of them at once).

    ``sync`` and ``asynchronous`` make a call for a case and a size. All async calls run on one event loop.
    """
    with asyncio.Runner() as runner:

        def carry_out(order: dict[str, Any]) -> dict[str, float]:
            case, size = order["case"], order.get("size", 0)
            width, seconds = order.get("width", 1), order["seconds"]
            if order["mode"] == "async":
                if asynchronous is None:
                    raise ValueError(f"{case} has no async form here")
                call_async = asynchronous(case, size)
                if "calls" in order:
                    return runner.run(spent_async(call_async, order["calls"], width, order["servers"]))
                return runner.run(_in_tasks(call_async, width, seconds))
            call = sync(case, size)
            if "calls" in order:
                return spent(call, order["calls"], order["servers"])
            return one_at_a_time(call, seconds) if width == 1 else _in_threads(call, width, seconds)

        take_orders(carry_out)


def one_at_a_time(call: Call, seconds: float) -> dict[str, float]:
    """Microseconds per call: the median as ``value`` and ``p50``, and ``p99``."""
    clock = time.perf_counter
    call()
    end = clock() + seconds / 10
    while clock() < end:
        call()
    taken: list[float] = []
    end = clock() + seconds
    while (begin := clock()) < end or not taken:
        call()
        taken.append(clock() - begin)
    return _latencies(taken)


async def _in_tasks(call: CallAsync, width: int, seconds: float) -> dict[str, float]:
    clock = time.perf_counter
    taken: list[float] = []

    async def caller() -> None:
        while (begin := clock()) < end:
            await call()
            taken.append(clock() - begin)

    await asyncio.gather(*(call() for _ in range(max(width, _WARM))))
    begin = clock()
    end = begin + seconds
    await asyncio.gather(*(caller() for _ in range(width)))
    return _latencies(taken) if width == 1 else _throughput(taken, clock() - begin)


def _in_threads(call: Call, width: int, seconds: float) -> dict[str, float]:
    clock = time.perf_counter
    taken: list[list[float]] = []
    warm, end = threading.Barrier(width + 1), 0.0

    def caller() -> None:
        mine: list[float] = []
        with contextlib.suppress(threading.BrokenBarrierError):
            try:
                for _ in range(_WARM):
                    call()
            except BaseException:
                warm.abort()
                raise
            warm.wait()
            warm.wait()
            while (begin := clock()) < end:
                call()
                mine.append(clock() - begin)
            taken.append(mine)

    threads = [threading.Thread(target=caller) for _ in range(width)]
    for thread in threads:
        thread.start()
    warm.wait()
    begin = clock()
    end = begin + seconds
    warm.wait()
    for thread in threads:
        thread.join()
    if len(taken) < width:
        raise RuntimeError("calls have failed in a thread")
    return _throughput([second for mine in taken for second in mine], clock() - begin)


def _latencies(taken: list[float]) -> dict[str, float]:
    spread = _spread(taken)
    return {"value": spread["p50"], **spread}


def _throughput(taken: list[float], seconds: float) -> dict[str, float]:
    return {"value": len(taken) / seconds, **_spread(taken)}


def _spread(taken: list[float]) -> dict[str, float]:
    taken.sort()
    return {"p50": statistics.median(taken) * 1e6, "p99": taken[int(len(taken) * 0.99)] * 1e6, "calls": len(taken)}
