# mypy: ignore-errors
# pyright: basic, reportMissingImports=false
"""aspyx-service's server. Its sync methods run on the event loop, which is the faster way for quick ones."""

from __future__ import annotations

import sys

from aspyx.di import create, module
from aspyx_service import (
    AbstractComponent,
    ChannelAddress,
    ComponentRegistry,
    FastAPIServer,
    ServiceManager,
    implementation,
)
from aspyx_service.service import LocalComponentRegistry
from fastapi import FastAPI

from benchmarks.programs.aspyx_interface import (
    CHANNELS,
    AsyncBenchmark,
    Benchmark,
    BenchmarkComponent,
    CommonModule,
    Person,
    PersonRecord,
    RestBenchmark,
)


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


@module(imports=[CommonModule])
class ServerModule:
    @create()
    def create_server(self, manager: ServiceManager, registry: ComponentRegistry) -> FastAPIServer:
        return FastAPIServer(FastAPI(), manager, registry)

    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


def main() -> None:
    """Serve until standard input ends."""
    FastAPIServer.boot(ServerModule, host="127.0.0.1", port=int(sys.argv[1]))
    sys.stdin.read()


if __name__ == "__main__":
    main()
