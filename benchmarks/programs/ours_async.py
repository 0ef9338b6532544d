"""The interface as the server implements it, and as async clients call it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Annotated

from benchmarks.programs.ours_values import Person, PersonRecord
from service_core import Component, Service, component, service
from service_core.rest import Body, get, post, rest

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

    @abstractmethod
    def numbers(self, count: int) -> AsyncIterator[int]: ...


@service(name="benchmark-blocking")
class BlockingBenchmark(Service):
    """Implemented in worker threads."""

    @abstractmethod
    def hello(self, message: str) -> str: ...


@service(name="benchmark-rest")
@rest("/benchmark")
class RestBenchmark(Service):
    """Reached by routes."""

    @abstractmethod
    @get("/hello/{message}")
    async def hello(self, message: str) -> str: ...

    @abstractmethod
    @post("/model")
    async def model(self, data: Annotated[Person, Body()]) -> Person: ...


@component(name="benchmark-component", services=[Benchmark, BlockingBenchmark, RestBenchmark])
class BenchmarkComponent(Component):
    """All of them."""
