"""Clients that send too much or too slowly, against a server with the default limits."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.lifecycle.conftest import MakeServer
from tests.integration.lifecycle.fleet import WorkServer
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

CALL = b'{"method":"lifecycle-component:lifecycle-work:work","args":[0]}'
MEGABYTE = 1 << 20


@pytest.fixture
def server(make_server: MakeServer) -> Iterator[WorkServer]:
    server = make_server(receive_timeout=1)
    server.start()
    yield server
    server.stop()


def address(server: WorkServer) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return host, int(port)


def peak_memory(process: int) -> int:
    """The most memory that a process has ever held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def call(server: WorkServer) -> tuple[int, float]:
    """The status of a call, and the seconds that it took."""
    begin = time.monotonic()
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    connection.request("POST", "/invoke", CALL, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - begin


def test_a_body_of_a_gigabyte_is_refused_early(server: WorkServer, figures: Figures) -> None:
    before = peak_memory(server.pid)
    sent = 0
    with socket.create_connection(address(server), 30) as connection:
        connection.sendall(b"POST /invoke HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % MEGABYTE + b" " * MEGABYTE + b"\r\n"
        try:
            while sent < 1024 * MEGABYTE:
                connection.sendall(chunk)
                sent += MEGABYTE
        except OSError:
            pass  # the server has hung up
        status = connection.recv(4096).split(b" ", 2)[1]
    grown = peak_memory(server.pid) - before

    assert status == b"413"
    assert sent < 100 * MEGABYTE
    assert grown < 100 * MEGABYTE
    figures.add("chunked body of 1 GB: sent before it was refused", sent / MEGABYTE, "MB")
    figures.add("chunked body of 1 GB: growth of the server's memory", grown / MEGABYTE, "MB")
    assert call(server)[0] == 200


def test_500_clients_that_do_not_finish_are_closed_and_others_served(server: WorkServer, figures: Figures) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(address(server), 30)) for _ in range(500)]
        for number, connection in enumerate(slow):
            connection.sendall(b"POST /invoke HTTP/1.1\r\nhost: test\r\n"[: number % 30 + 1])
        answers = [call(server) for _ in range(100)]
        closed = sum(connection.recv(4096).startswith(b"HTTP/1.1 408") for connection in slow)

    assert {status for status, _ in answers} == {200}
    assert closed == 500
    figures.add("500 slow clients: p99 of the calls of others", sorted(s for _, s in answers)[98] * 1000, "ms")
