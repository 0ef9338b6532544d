"""The interface as the server implements it, and as async clients call it."""

from __future__ import annotations

from abc import abstractmethod

from benchmarks.programs.ours_values import Person, PersonRecord
from service_core import Component, Service, component, service

__all__ = ["Benchmark", "BenchmarkComponent", "BlockingBenchmark", "RestBenchmark"]


@service(name="benchmark")
class Benchmark(Service):
    """Implemented on the event loop."""

    @abstractmethod
    async def hello(self, message: str) -> str: ...

    @abstractmethod
    async def model(self, data: Person) -> Person: ...

    @abstractmethod
    async def record(self, data: PersonRecord) -> PersonRecord: ...

    @abstractmethod
    async def models(self, data: list[Person]) -> list[Person]: ...

    @abstractmethod
    async def blob(self, data: bytes) -> bytes: ...


@service(name="benchmark-blocking")
class BlockingBenchmark(Service):
    """Implemented in worker threads."""

    @abstractmethod
    def hello(self, message: str) -> str: ...


@service(name="benchmark-rest")
class RestBenchmark(Service):
    """Reached by routes."""


@component(name="benchmark-component", services=[Benchmark, BlockingBenchmark, RestBenchmark])
class BenchmarkComponent(Component):
    """All of them."""
