# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportInvalidTypeForm=false
"""aspyx-service's server and client: ``aspyx_peer.py serve PORT`` and ``aspyx_peer.py call URL``.

One file, run by its path: a module of aspyx imports everything in its package. The server's sync methods run on
the event loop, which is the faster way for quick ones.
"""

import sys
from abc import abstractmethod
from dataclasses import dataclass

from aspyx.di import Environment, create, module
from aspyx_service import (
    AbstractComponent,
    Body,
    ChannelAddress,
    ChannelInstances,
    Component,
    ComponentRegistry,
    FastAPIServer,
    Service,
    ServiceManager,
    ServiceModule,
    SessionManager,
    component,
    get,
    implementation,
    post,
    rest,
    service,
)
from aspyx_service.service import LocalComponentRegistry
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.programs.orders import Call, CallAsync, measure_calls
from benchmarks.programs.person import PERSON

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


@implementation()
class BenchmarkImpl(Benchmark):
    def __init__(self):
        pass

    def hello(self, message: str) -> str:
        return f"hello {message}"

    def model(self, data: Person) -> Person:
        return data

    def record(self, data: PersonRecord) -> PersonRecord:
        return data

    def models(self, data: list[Person]) -> list[Person]:
        return data

    def blob(self, data: bytes) -> bytes:
        return data


@implementation()
class AsyncBenchmarkImpl(AsyncBenchmark):
    def __init__(self):
        pass

    async def hello(self, message: str) -> str:
        return f"hello {message}"

    async def model(self, data: Person) -> Person:
        return data


@implementation()
class RestBenchmarkImpl(RestBenchmark):
    def __init__(self):
        pass

    def hello(self, message: str) -> str:
        return f"hello {message}"

    def model(self, data: Person) -> Person:
        return data


@implementation()
class BenchmarkComponentImpl(AbstractComponent, BenchmarkComponent):
    def __init__(self):
        super().__init__()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, f"http://127.0.0.1:{port}") for channel in CHANNELS]


def serve(port: int) -> None:
    """Serve until standard input ends."""

    @module(imports=[CommonModule])
    class ServerModule:
        @create()
        def create_server(self, manager: ServiceManager, registry: ComponentRegistry) -> FastAPIServer:
            return FastAPIServer(FastAPI(), manager, registry)

        @create()
        def create_registry(self) -> ComponentRegistry:
            return LocalComponentRegistry()

    FastAPIServer.boot(ServerModule, host="127.0.0.1", port=port)
    sys.stdin.read()


class GivenRegistry(LocalComponentRegistry):
    def get_addresses(self, descriptor) -> list[ChannelInstances]:
        return [ChannelInstances(descriptor.name, channel, [sys.argv[2]]) for channel in CHANNELS]


def call() -> None:
    """Take orders."""

    @module(imports=[CommonModule])
    class ClientModule:
        @create()
        def create_registry(self) -> ComponentRegistry:
            return GivenRegistry()

    manager = Environment(ClientModule).get(ServiceManager)

    def make(case: str, size: int) -> Call:
        what, _, channel = case.partition("/")
        interface = RestBenchmark if channel == "rest" else Benchmark
        return make_call(manager.get_service(interface, preferred_channel=channel), what, size)

    def make_async(case: str, size: int) -> CallAsync:
        what, _, channel = case.partition("/")
        return make_call(manager.get_service(AsyncBenchmark, preferred_channel=channel), what, size)

    measure_calls(make, make_async)


def make_call(service, what: str, size: int):
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
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        call()
