"""The floor's client: bytes made beforehand into a socket, and bytes out of it. No call can be faster than this."""

from __future__ import annotations

import socket
import sys
import threading
from urllib.parse import urlsplit

from benchmarks.programs.orders import Call, measure_calls


class Own(threading.local):
    """A connection for each thread."""

    def __init__(self, host: str, port: int) -> None:
        self.connection = socket.create_connection((host, port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def main() -> None:
    """Take orders."""
    address = urlsplit(sys.argv[1])
    own = Own(address.hostname or "", address.port or 0)

    def make(case: str, size: int) -> Call:
        del case
        body = b"x" * (size or 48)
        request = (
            b"POST /invoke HTTP/1.1\r\nhost: %s\r\ncontent-type: application/msgpack\r\ncontent-length: %d\r\n\r\n"
            % (address.netloc.encode(), len(body))
        ) + body

        def call() -> None:
            connection = own.connection
            connection.sendall(request)
            data = connection.recv(65536)
            end = data.index(b"\r\n\r\n") + 4
            missing = len(body) - (len(data) - end)
            while missing > 0:
                missing -= len(connection.recv(262144))

        return call

    measure_calls(make)


if __name__ == "__main__":
    main()
