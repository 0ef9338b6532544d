"""The client of the frames: a blocking socket, and a protocol with several calls on one connection."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import msgpack

from benchmarks.programs.frames import Frames
from benchmarks.programs.orders import Call, CallAsync, measure_calls
from benchmarks.programs.person import PERSON

VALUES: dict[str, Any] = {"hello": "world", "model": PERSON}


class Client(asyncio.Protocol):
    """Sends calls with numbers, and finds them again by those."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    def connection_made(self, transport: Any) -> None:
        """The server has accepted."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give answers to those who wait."""
        for content in self._frames.feed(data):
            number, answer = msgpack.unpackb(content)
            self._waiting.pop(number).set_result(answer)

    def call(self, method: str, value: Any) -> asyncio.Future[Any]:
        """Send a call."""
        number = next(self._numbers)
        waiter = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._transport.write(Frames.write(cast(bytes, msgpack.packb((number, method, value)))))
        return waiter


def main() -> None:
    """Take orders."""
    parts = urlsplit(sys.argv[1])
    is_path = parts.scheme == "http+unix"
    target: Any = unquote(parts.netloc) if is_path else (parts.hostname, parts.port)
    connected = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET)
    connected.connect(target)
    if not is_path:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    clients: list[Client] = []

    def make(case: str, _size: int) -> Call:
        frames, value = Frames(), VALUES[case]

        def call() -> Any:
            connected.sendall(Frames.write(cast(bytes, msgpack.packb((0, case, value)))))
            found: list[bytes] = []
            while not found:
                found = frames.feed(connected.recv(65536))
            return msgpack.unpackb(found[0])[1]

        return call

    def make_async(case: str, _size: int) -> CallAsync:
        value = VALUES[case]

        async def call() -> Any:
            if not clients:
                loop = asyncio.get_running_loop()
                connecting = loop.create_unix_connection if is_path else loop.create_connection
                arguments = (target,) if is_path else target
                clients.append((await connecting(Client, *arguments))[1])
            return await clients[0].call(case, value)

        return call

    measure_calls(make, make_async)


if __name__ == "__main__":
    main()
