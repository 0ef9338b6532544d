# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
"""What the aspyx-service client and server share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from aspyx.di import create, module
from aspyx_service import (
    Body,
    Component,
    Service,
    ServiceModule,
    SessionManager,
    component,
    get,
    post,
    rest,
    service,
)
from pydantic import BaseModel

CHANNELS = ("dispatch-json", "dispatch-msgpack", "rest")


class Person(BaseModel):
    id: int
    name: str
    description: str
    street: str
    city: str
    zip_code: str
    country: str
    email: str
    phone: str
    age: int
    score: float
    balance: float
    active: bool
    tags: list[str]


@dataclass
class PersonRecord:
    id: int
    name: str
    description: str
    street: str
    city: str
    zip_code: str
    country: str
    email: str
    phone: str
    age: int
    score: float
    balance: float
    active: bool
    tags: list[str]


@service(name="benchmark")
class Benchmark(Service):
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


@service(name="benchmark-async")
class AsyncBenchmark(Service):
    @abstractmethod
    async def hello(self, message: str) -> str: ...

    @abstractmethod
    async def model(self, data: Person) -> Person: ...


@service(name="benchmark-rest")
@rest("/benchmark")
class RestBenchmark(Service):
    @abstractmethod
    @get("/hello/{message}")
    def hello(self, message: str) -> str: ...

    @abstractmethod
    @post("/model")
    def model(self, data: Body(Person)) -> Person: ...


@component(name="benchmark-component", services=[Benchmark, AsyncBenchmark, RestBenchmark])
class BenchmarkComponent(Component): ...


@module(imports=[ServiceModule])
class CommonModule:
    @create()
    def create_storage(self) -> SessionManager.Storage:
        return SessionManager.InMemoryStorage()
