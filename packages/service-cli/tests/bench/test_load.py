"""The two ways to begin calls."""

from __future__ import annotations

import asyncio

from service_cli.bench.load import closed_loop, open_loop
from service_cli.bench.samples import Samples


class Stalling:
    """A server that answers at once, except for one stall that holds up all calls."""

    def __init__(self, stall: float) -> None:
        self.calls = 0
        self.most_at_once = 0
        self._at_once = 0
        self._stall = stall
        self._free = asyncio.Event()
        self._free.set()

    async def __call__(self) -> None:
        self.calls += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.calls == 10:
                self._free.clear()
                await asyncio.sleep(self._stall)
                self._free.set()
            await self._free.wait()
            await asyncio.sleep(0.001)
        finally:
            self._at_once -= 1


async def test_a_closed_loop_keeps_so_many_calls_in_progress() -> None:
    server, samples = Stalling(0.0), Samples()

    await closed_loop(server, seconds=0.1, in_flight=5, samples=samples)

    assert server.most_at_once == 5
    assert samples.count == server.calls


async def test_an_open_loop_begins_as_many_calls_as_the_rate_says() -> None:
    server, samples = Stalling(0.0), Samples()

    await open_loop(server, seconds=0.5, rate=100, in_flight=1000, samples=samples)

    assert server.calls == samples.count == 50


async def test_calls_that_were_due_in_a_stall_are_late_in_an_open_loop() -> None:
    server, samples = Stalling(0.4), Samples()

    await open_loop(server, seconds=0.5, rate=100, in_flight=1, samples=samples)

    # One call stalled; some 40 were due meanwhile and waited for it, on average for half of the stall.
    late = [latency for latency in samples.latencies if latency > 0.1]
    assert len(late) > 20


async def test_failed_calls_are_counted_by_their_error() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    samples = Samples()
    await open_loop(fail, seconds=0.1, rate=100, in_flight=10, samples=samples)

    assert (samples.count, samples.errors) == (0, {"ConnectionError": 10})
