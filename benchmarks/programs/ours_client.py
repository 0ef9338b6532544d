"""Our client, with default settings: deadlines, selection, retries and correlation ids are on."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.programs import ours_async, ours_sync
from benchmarks.programs.orders import Call, CallAsync, measure_calls
from benchmarks.programs.ours_values import CHANNELS, Person, PersonRecord
from benchmarks.programs.person import PERSON
from service_core import ServiceManager, StaticComponentRegistry


def main() -> None:
    """Take orders."""
    addresses = {"benchmark-component": dict.fromkeys(CHANNELS, sys.argv[1])}
    sync = ServiceManager(StaticComponentRegistry(addresses), catalog=ours_sync.CATALOG)
    asynchronous = ServiceManager(StaticComponentRegistry(addresses))

    def make(case: str, size: int) -> Call:
        what, _, channel = case.partition("/")
        if what == "blocking":
            return _call(sync.get_service(ours_sync.BlockingBenchmark, channel), "hello", size)
        interface: Any = ours_sync.RestBenchmark if channel == "rest" else ours_sync.Benchmark
        return _call(sync.get_service(interface, channel), what, size)

    def make_async(case: str, size: int) -> CallAsync:
        what, _, channel = case.partition("/")
        interface: Any = ours_async.RestBenchmark if channel == "rest" else ours_async.Benchmark
        if what == "numbers":
            return _reading(asynchronous.get_service(ours_async.Benchmark, channel), size)
        call: Any = _call(asynchronous.get_service(interface, channel), what, size)
        return call  # type: ignore[no-any-return]

    with sync, asynchronous:
        measure_calls(make, make_async)


def _reading(service: ours_async.Benchmark, size: int) -> CallAsync:
    async def read() -> int:
        count = 0
        async for _ in service.numbers(size):
            count += 1
        return count

    return read


def _call(service: Any, what: str, size: int) -> Call:
    if what == "hello":
        return lambda: service.hello("world")
    if what == "numbers":
        return lambda: sum(1 for _ in service.numbers(size))
    if what == "model":
        person = Person(**PERSON)
        return lambda: service.model(person)
    if what == "record":
        record = PersonRecord(**PERSON)
        return lambda: service.record(record)
    if what == "models":
        people = [Person(**PERSON) for _ in range(size)]
        return lambda: service.models(people)
    if what == "blob":
        data = bytes(size)
        return lambda: service.blob(data)
    raise ValueError(what)


if __name__ == "__main__":
    main()
