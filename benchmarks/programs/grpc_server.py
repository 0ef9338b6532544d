# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""gRPC's server, asynchronous, which is the faster of its two kinds for sync clients as well."""

from __future__ import annotations

import asyncio
import sys

import grpc

protos, services = grpc.protos_and_services("benchmarks/programs/grpc.proto")


class Benchmark(services.BenchmarkServicer):
    """Answers as the other contestants do."""

    async def hello(self, request, context):
        return protos.Hello(message=f"hello {request.message}")

    async def model(self, request, context):
        return request

    async def models(self, request, context):
        return request

    async def blob(self, request, context):
        return request

    async def numbers(self, request, context):
        for number in range(request.count):
            yield protos.Number(value=number)


async def main() -> None:
    """Serve until standard input ends."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    services.add_BenchmarkServicer_to_server(Benchmark(), server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(main())
