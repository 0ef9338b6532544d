"""The same interface as sync clients call it; the wire does not tell them apart."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Final

from benchmarks.programs.ours_values import Person, PersonRecord
from service_core import Catalog, Component, Service, component, service
from service_core.rest import Body, get, post, rest

__all__ = ["CATALOG", "Benchmark", "BenchmarkComponent", "BlockingBenchmark", "RestBenchmark"]

CATALOG: Final = Catalog()


@service(name="benchmark", catalog=CATALOG)
class Benchmark(Service):
    """Implemented on the event loop."""

    @abstractmethod
    def hello(self, message: str) -> str: ...

    @abstractmethod
    def model(self, data: Person) -> Person: ...

    @abstractmethod
    def record(self, data: PersonRecord) -> PersonRecord: ...

    @abstractmethod
    def models(self, data: list[Person]) -> list[Person]: ...

    @abstractmethod
    def blob(self, data: bytes) -> bytes: ...

    @abstractmethod
    def numbers(self, count: int) -> Iterator[int]: ...


@service(name="benchmark-blocking", catalog=CATALOG)
class BlockingBenchmark(Service):
    """Implemented in worker threads."""

    @abstractmethod
    def hello(self, message: str) -> str: ...


@service(name="benchmark-rest", catalog=CATALOG)
@rest("/benchmark")
class RestBenchmark(Service):
    """Reached by routes."""

    @abstractmethod
    @get("/hello/{message}")
    def hello(self, message: str) -> str: ...

    @abstractmethod
    @post("/model")
    def model(self, data: Annotated[Person, Body()]) -> Person: ...


@component(name="benchmark-component", services=[Benchmark, BlockingBenchmark, RestBenchmark], catalog=CATALOG)
class BenchmarkComponent(Component):
    """All of them."""
