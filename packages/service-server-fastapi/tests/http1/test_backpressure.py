"""Somebody who reads slowly is told from somebody who does not read."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest
from desk import until

from service_server_fastapi.http1.backpressure import unsent

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="others do not tell")


class Holding(asyncio.WriteTransport):
    """A transport with some bytes that the operating system does not take."""

    def __init__(self, size: int, held: socket.socket) -> None:
        super().__init__({"socket": held})
        self._size = size

    def get_write_buffer_size(self) -> int:
        return self._size


def test_what_the_operating_system_has_taken_leaves_by_itself() -> None:
    with socket.socket() as closed:
        assert unsent(Holding(0, closed)) == 0


@LINUX
def test_what_is_read_counts_though_the_transport_has_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as reader:
        writer, _ = server.accept()
        with writer:
            writer.setblocking(False)
            try:
                while writer.send(bytes(100_000)):
                    pass
            except BlockingIOError:
                pass
            transport = Holding(1000, writer)
            before = unsent(transport)
            assert before > 1000
            reader.recv(3_000_000, socket.MSG_WAITALL)
            until(lambda: unsent(transport) < before)


def test_where_nothing_is_told_the_transport_alone_counts() -> None:
    held = socket.socket()
    held.close()
    assert unsent(Holding(1000, held)) == 1000
