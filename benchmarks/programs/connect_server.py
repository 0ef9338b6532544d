# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""The server of connectrpc, under uvicorn; without compression, which costs more than small messages save."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from connectrpc.compat import google_protobuf_codecs
from connectrpc.server import ConnectASGIApplication, Endpoint

from benchmarks.programs.connect_methods import HELLO, NUMBERS, SERVICE, protos


class Benchmark:
    """Answers as the other contestants do."""

    async def hello(self, request, context):
        return protos.Hello(message=f"hello {request.message}")

    async def numbers(self, request, context):
        for number in range(request.count):
            yield protos.Number(value=number)


class Application(ConnectASGIApplication):
    """The methods as an ASGI application."""

    def __init__(self) -> None:
        super().__init__(
            service=Benchmark(),
            endpoints=lambda service: {
                f"/{SERVICE}/hello": Endpoint.unary(method=HELLO, function=service.hello),
                f"/{SERVICE}/numbers": Endpoint.server_stream(method=NUMBERS, function=service.numbers),
            },
            compressions=(),
            codecs=google_protobuf_codecs(),
        )

    @property
    def path(self) -> str:
        """Where the service is mounted."""
        return f"/{SERVICE}"


async def main() -> None:
    """Serve until standard input ends."""
    config = uvicorn.Config(Application(), port=int(sys.argv[1]), log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
