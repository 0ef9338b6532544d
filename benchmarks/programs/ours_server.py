"""Our server, with default settings."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

from benchmarks.programs.ours_async import Benchmark, BenchmarkComponent, BlockingBenchmark, RestBenchmark
from benchmarks.programs.ours_values import CHANNELS, Person, PersonRecord
from service_core import (
    AbstractComponent,
    ChannelAddress,
    ComponentRegistry,
    LocalComponentRegistry,
    Server,
    implementation,
)
from service_core.di import create, module
from service_server_fastapi import FastAPIServer


@implementation()
class BenchmarkImpl(Benchmark):
    """Answers with what it gets."""

    async def hello(self, message: str) -> str:
        return f"hello {message}"

    async def model(self, data: Person) -> Person:
        return data

    async def record(self, data: PersonRecord) -> PersonRecord:
        return data

    async def models(self, data: list[Person]) -> list[Person]:
        return data

    async def blob(self, data: bytes) -> bytes:
        return data

    async def numbers(self, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number


@implementation()
class BlockingBenchmarkImpl(BlockingBenchmark):
    """Answers from a worker thread."""

    def hello(self, message: str) -> str:
        return f"hello {message}"


@implementation()
class RestBenchmarkImpl(RestBenchmark):
    """Answers with what it gets."""

    async def hello(self, message: str) -> str:
        return f"hello {message}"

    async def model(self, data: Person) -> Person:
        return data


@implementation()
class BenchmarkComponentImpl(AbstractComponent, BenchmarkComponent):
    """Offers all channels."""

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in CHANNELS]


@module()
class ServerModule:
    """No other program has to find it: the client is given the address."""

    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


def main() -> None:
    """Serve on a port, or at the path of a Unix socket, until standard input ends."""
    place = sys.argv[1]
    with FastAPIServer(uds=place) if "/" in place else FastAPIServer("127.0.0.1", int(place)) as server:
        server.boot(ServerModule)
        sys.stdin.read()


if __name__ == "__main__":
    main()
