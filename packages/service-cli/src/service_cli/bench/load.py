"""The load: how calls are begun.

In a closed loop each of N workers begins a call when its last one has ended, so a slow server is called less often. In
an open loop calls are due at a fixed rate, independent of the server, and each latency counts from the moment when the
call was due: a server that stalls for a second makes all calls late that were due in it, as it would for real callers
("coordinated omission" is what a closed loop hides here).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from service_cli.bench.samples import Samples

Call = Callable[[], Awaitable[object]]


async def closed_loop(call: Call, *, seconds: float, in_flight: int, samples: Samples) -> None:
    """Keep ``in_flight`` calls in progress for so long; those in progress at the end are awaited and counted."""
    begin = time.perf_counter()

    async def work() -> None:
        while (due := time.perf_counter()) - begin < seconds:
            await _measure(call, begin, due, samples)

    await asyncio.gather(*(work() for _ in range(in_flight)))
    samples.seconds = time.perf_counter() - begin


async def open_loop(call: Call, *, seconds: float, rate: float, in_flight: int, samples: Samples) -> None:
    """Begin ``rate`` calls per second for so long, at most ``in_flight`` at once; later ones wait."""
    begin = time.perf_counter()
    places = asyncio.Semaphore(in_flight)

    async def one(due: float) -> None:
        async with places:
            await _measure(call, begin, due, samples)

    async with asyncio.TaskGroup() as calls:
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            elif number % 64 == 0:  # behind the schedule: start the calls that are due, and process answers
                await asyncio.sleep(0)
            calls.create_task(one(due))
    samples.seconds = time.perf_counter() - begin


async def _measure(call: Call, begin: float, due: float, samples: Samples) -> None:
    try:
        await call()
    except Exception as error:  # noqa: BLE001 - every exception is a failed call, counted by its name
        samples.errors[type(error).__name__] += 1
    else:
        now = time.perf_counter()
        samples.add(now - begin, now - due)
