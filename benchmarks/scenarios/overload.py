"""Overload, attraction, freezing and hedging in figures: ``python -m benchmarks.scenarios.overload [--seconds N]``.

Servers are processes of their own; methods sleep, so that a busy machine changes little. The lines are those of
``docs/explanation/overload.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.scenarios.load import Calls, ServerProcess, percentile
from benchmarks.scenarios.work import PLACES, Work
from service_core import (
    CallCounters,
    CallEvent,
    CallEventKind,
    Policy,
    ServiceManager,
    StaticComponentRegistry,
    awaitable,
)

_LOADS: Final = (1.5, 3.0, 10.0)
_WARM: Final = 5.0
"""Seconds of light load before, in which a server learns how long its methods take."""
_THREADS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    name: str
    make: Callable[[Work], Callable[[], Awaitable[object]]]
    capacity: float
    """Calls per second."""
    timeout: float


_CASES: Final = (
    _Case(
        name="def, 0.2 s, 10 threads",
        make=lambda work: lambda: awaitable(work.block)(0.2),
        capacity=_THREADS / 0.2,
        timeout=5.0,
    ),
    _Case(
        name="def, 2 s, 10 threads",
        make=lambda work: lambda: awaitable(work.block)(2.0),
        capacity=_THREADS / 2.0,
        timeout=10.0,
    ),
    _Case(
        name="async, 0.2 s, 10 places",
        make=lambda work: lambda: work.linger(0.2),
        capacity=PLACES / 0.2,
        timeout=5.0,
    ),
)


def main() -> None:
    """Run all scenarios and write one line for each."""
    parser = argparse.ArgumentParser(prog="benchmarks.scenarios.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each overload")
    seconds = parser.parse_args().seconds
    for case in _CASES:
        for load in _LOADS:
            asyncio.run(_overload(case, load, seconds))
    asyncio.run(_mixed(seconds))
    asyncio.run(_attraction())
    asyncio.run(_frozen())
    for hedge_after in (None, 0.05):
        asyncio.run(_tail(hedge_after))


def _manager(servers: list[ServerProcess], policy: Policy, counters: CallCounters | None = None) -> ServiceManager:
    addresses = {"scenario-work": {"dispatch-msgpack": [server.url for server in servers]}}
    observers = [] if counters is None else [counters]
    return ServiceManager(StaticComponentRegistry(addresses), policy=policy, observers=observers)


async def _overload(case: _Case, load: float, seconds: float) -> None:
    with ServerProcess(_THREADS) as server:
        async with _manager([server], Policy(timeout=case.timeout)) as manager:
            calls = Calls(case.make(manager.get_service(Work)))
            await calls.offer(0.5 * case.capacity, _WARM)
            begin = calls.now
            await calls.offer(load * case.capacity, seconds)
            end = calls.now
            await calls.offer(0.5 * case.capacity, 6.0)
            await calls.finish()
    goodput, settled = (calls.rate(begin + skipped, end) / case.capacity for skipped in (0.0, 5.0))
    late = sum(1 for called, _ in calls.failed if called > end + 2.0)
    last = max((ended - end for called, ended in calls.failed if called > end), default=0.0)
    _write(
        f"{case.name}, {load:g} x the load",
        f"{settled:.0%} of what it can from second 5 on, {goodput:.0%} of the whole; then at 0.5 x: last failure after "
        f"{last:.1f} s, {late} failures from second 2 on",
    )


async def _mixed(seconds: float) -> None:
    """A slow method is overloaded while a quick one is called beside it."""
    with ServerProcess(_THREADS) as server:
        async with _manager([server], Policy(timeout=5.0)) as manager:
            work = manager.get_service(Work)
            slow, hot = Calls(lambda: awaitable(work.block)(0.2)), Calls(lambda: awaitable(work.hot)())
            await asyncio.gather(slow.offer(25.0, _WARM), hot.offer(50.0, _WARM))
            begin = hot.now
            await asyncio.gather(slow.offer(150.0, seconds), hot.offer(50.0, seconds))
            end = hot.now
            await asyncio.gather(slow.finish(), hot.finish())
    answered = [ended - called for called, ended in hot.answered if called > begin]
    share = len(answered) / max(1, len(answered) + sum(called > begin for called, _ in hot.failed))
    _write(
        "def 0.2 s at 3 x the load beside a def of 1 ms, 50/s",
        f"{slow.rate(begin + 5.0, end) / 50.0:.0%} of what the slow one can; {share:.0%} of the quick calls answered, "
        f"p99 {percentile(answered, 0.99) * 1000:.0f} ms",
    )


async def _attraction() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess()) for _ in range(4)]
        broken = _manager(servers[:1], Policy())
        urls, events = Counter[str](), list[CallEvent]()
        addresses = {"scenario-work": {"dispatch-msgpack": [server.url for server in servers]}}
        async with broken, ServiceManager(StaticComponentRegistry(addresses), observers=[events.append]) as manager:
            work = manager.get_service(Work)
            calls = Calls(work.fail)
            await calls.offer(200.0, 3.0)
            await broken.get_service(Work).break_down()
            await calls.offer(200.0, 1.0)
            await calls.finish()
            events.clear()
            await calls.offer(200.0, 10.0)
            await calls.finish()
        urls.update(event.url for event in events if event.kind is CallEventKind.ANSWERED)
    share = urls[servers[0].url] / sum(urls.values())
    _write("one of four fails at once, after 1 s", f"its share is {share:.1%} of {sum(urls.values())} calls")


async def _frozen() -> None:
    counters = CallCounters()
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess()) for _ in range(3)]
        async with _manager(servers, Policy(timeout=30.0), counters) as manager:
            calls = Calls(manager.get_service(Work).read)
            await calls.offer(100.0, 3.0)
            await calls.finish()
            calls.answered.clear()
            servers[0].pause()
            await calls.offer(100.0, 10.0)
            await calls.finish()
    _write(
        "one of three frozen, idempotent calls",
        f"{len(calls.failed)} of {len(calls.answered)} failed; p99 {percentile(calls.seconds(), 0.99) * 1000:.0f} ms, "
        f"slowest {max(calls.seconds()) * 1000:.0f} ms; {counters.total(CallEventKind.HEDGED)} were sent twice",
    )


async def _tail(hedge_after: float | None) -> None:
    counters = CallCounters()
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess()) for _ in range(3)]
        async with _manager(servers, Policy(hedge_after=hedge_after), counters) as manager:
            calls = Calls(manager.get_service(Work).sometimes_slow)
            await calls.offer(100.0, 15.0)
            await calls.finish()
    seconds, extra = calls.seconds(), counters.total(CallEventKind.HEDGED)
    _write(
        f"2 % of the calls take 0.5 s, hedge_after={hedge_after}",
        f"p50 {percentile(seconds, 0.5) * 1000:.0f} ms, p99 {percentile(seconds, 0.99) * 1000:.0f} ms; "
        f"{extra / len(seconds):.1%} more calls",
    )


def _write(scenario: str, figures: str) -> None:
    sys.stdout.write(f"{scenario}: {figures}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
