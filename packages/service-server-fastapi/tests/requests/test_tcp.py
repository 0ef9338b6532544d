"""What the operating system knows about a client: whether it reads slowly, and whether it is there at all."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest
from desk import until

from service_server_fastapi.requests.tcp import taken

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say what was acknowledged")


class Holding(asyncio.WriteTransport):
    """A transport with some bytes that the operating system does not take."""

    def __init__(self, size: int, held: socket.socket | None) -> None:
        super().__init__({"socket": held})
        self.size = size

    def get_write_buffer_size(self) -> int:
        return self.size


@LINUX
def test_what_a_client_reads_counts_though_the_transport_has_sent_nothing() -> None:
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
            before = taken(transport)
            assert before > 0
            reader.recv(3_000_000, socket.MSG_WAITALL)
            until(lambda: taken(transport) > before)


@pytest.mark.parametrize("kind", ["none", "unix", "closed"])
def test_without_tcp_the_buffer_of_the_transport_counts(kind: str) -> None:
    one, other = socket.socketpair()
    with one, other:
        if kind == "closed":
            one.close()
        transport = Holding(1000, None if kind == "none" else one)
        before = taken(transport)
        transport.size = 900
        assert taken(transport) > before
