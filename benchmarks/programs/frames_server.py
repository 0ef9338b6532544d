"""Frames of msgpack on one connection, without a protocol: what a call of Python cannot cost less than."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import msgpack
import uvloop

from benchmarks.programs.frames import Frames


class Server(asyncio.Protocol):
    """Answers every frame of a connection, with its number."""

    def __init__(self) -> None:
        self._frames = Frames()

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the frames that are complete."""
        for content in self._frames.feed(data):
            number, method, value = msgpack.unpackb(content)
            answer = f"hello {value}" if method == "hello" else value
            self._transport.write(Frames.write(cast(bytes, msgpack.packb((number, answer)))))


async def serve(place: str) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    if "/" in place:
        await loop.create_unix_server(Server, place)
    else:
        await loop.create_server(Server, "127.0.0.1", int(place))
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
