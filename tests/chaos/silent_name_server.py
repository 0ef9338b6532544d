"""A program whose name server never answers: calls of a server whose name nobody can look up.

It runs in namespaces of its own (``unshare``), so that it may have another ``/etc/resolv.conf`` and bind port 53.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from service_channels_http import connect
from service_core import DeadlineExceeded, Policy, Service, service

DEADLINE: Final = 1.0
_READ_FLAGS: Final = 0x8913
_SET_FLAGS: Final = 0x8914
_UP: Final = 0x1


@service
class Shop(Service):
    @abstractmethod
    def find(self) -> str: ...

    @abstractmethod
    async def find_async(self) -> str: ...


def main() -> None:
    """Write how long a sync and an async call took in seconds, and the queries that the name server has received."""
    _start_loopback()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
        name_server.bind(("127.0.0.1", 53))
        figures = _seconds(_call), _seconds(lambda: asyncio.run(_call_async())), _received(name_server)
        sys.stdout.write(" ".join(map(str, figures)))


def _call() -> None:
    with connect(Shop, "http://sync.example:8000", policy=Policy(timeout=DEADLINE)) as shop:
        shop.find()


async def _call_async() -> None:
    with connect(Shop, "http://async.example:8000", policy=Policy(timeout=DEADLINE)) as shop:
        await shop.find_async()


def _seconds(call: Callable[[], None]) -> float:
    begin = time.monotonic()
    try:
        call()
    except DeadlineExceeded:
        return time.monotonic() - begin
    raise AssertionError("the call was answered")


def _received(name_server: socket.socket) -> int:
    name_server.setblocking(False)
    count = 0
    try:
        while name_server.recv(512):
            count += 1
    except BlockingIOError:
        return count
    return count


def _start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, _READ_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


if __name__ == "__main__":
    main()
