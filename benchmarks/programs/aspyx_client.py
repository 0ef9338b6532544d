# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
"""aspyx-service's client."""

from __future__ import annotations

import sys

from aspyx.di import Environment, create, module
from aspyx_service import ChannelInstances, ComponentRegistry, ServiceManager
from aspyx_service.service import LocalComponentRegistry

from benchmarks.programs.aspyx_interface import (
    CHANNELS,
    AsyncBenchmark,
    Benchmark,
    CommonModule,
    Person,
    PersonRecord,
    RestBenchmark,
)
from benchmarks.programs.orders import Call, CallAsync, measure_calls
from benchmarks.programs.person import PERSON


class GivenRegistry(LocalComponentRegistry):
    def get_addresses(self, descriptor) -> list[ChannelInstances]:
        return [ChannelInstances(descriptor.name, channel, [sys.argv[1]]) for channel in CHANNELS]


@module(imports=[CommonModule])
class ClientModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return GivenRegistry()


def main() -> None:
    """Take orders."""
    manager = Environment(ClientModule).get(ServiceManager)

    def make(case: str, size: int) -> Call:
        what, _, channel = case.partition("/")
        if channel == "rest":
            return _call(manager.get_service(RestBenchmark, preferred_channel="rest"), what, size)
        return _call(manager.get_service(Benchmark, preferred_channel=channel), what, size)

    def make_async(case: str, size: int) -> CallAsync:
        what, _, channel = case.partition("/")
        return _call(manager.get_service(AsyncBenchmark, preferred_channel=channel), what, size)

    measure_calls(make, make_async)


def _call(service, what: str, size: int):
    if what == "hello":
        return lambda: service.hello("world")
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
