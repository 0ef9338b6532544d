# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""A NATS micro service with msgpack and pydantic, and the broker in between: ``nats-server`` of Debian."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import msgpack
import nats
import nats.errors
import nats.micro

from benchmarks.programs.nats_values import PERSON_TYPE


async def serve(port: str) -> None:
    """Serve until standard input ends."""
    while True:
        try:
            connection = await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
            break
        except (OSError, nats.errors.Error):  # the broker is not up yet
            await asyncio.sleep(0.1)
    service = await nats.micro.add_service(connection, name="benchmark", version="1.0.0")
    group = service.add_group(name="benchmark")

    async def hello(request):
        await request.respond(msgpack.packb(f"hello {msgpack.unpackb(request.data)}"))

    async def model(request):
        person = PERSON_TYPE.validate_python(msgpack.unpackb(request.data))
        await request.respond(msgpack.packb(PERSON_TYPE.dump_python(person)))

    await group.add_endpoint(name="hello", handler=hello)
    await group.add_endpoint(name="model", handler=model)
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Start the broker, and the service behind it."""
    port = sys.argv[1]
    broker = subprocess.Popen([os.environ.get("NATS_SERVER_BIN", "nats-server"), "-a", "127.0.0.1", "-p", port])
    try:
        asyncio.run(serve(port))
    finally:
        broker.terminate()
        broker.wait()


if __name__ == "__main__":
    main()
