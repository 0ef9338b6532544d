"""The fault proxy treats connections as the test sets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, eventually


class EchoServer:
    """Gives back what it gets, and remembers it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._echo, args=(self._listener.accept()[0],), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                self.received += data
                connection.sendall(data)


@pytest.fixture
def server() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture
def proxy(server: EchoServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        yield client


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    answer = b""
    while len(answer) < len(text) and (piece := client.recv(65536)):
        answer += piece
    return answer


def test_it_passes_on_what_it_gets(proxy: FaultProxy, client: socket.socket) -> None:
    assert ask(client, b"hello") == b"hello"
    assert (proxy.pieces, proxy.connections) == (1, 1)


def test_it_forgets_connections_that_are_closed(proxy: FaultProxy, client: socket.socket) -> None:
    ask(client, b"hello")
    client.close()
    eventually(lambda: proxy.connections == 0)


def test_a_black_hole_says_nothing(proxy: FaultProxy, client: socket.socket, server: EchoServer) -> None:
    ask(client, b"hello")
    proxy.swallow()
    client.sendall(b"lost")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert bytes(server.received) == b"hello"


def test_after_a_black_hole_new_connections_are_served(proxy: FaultProxy) -> None:
    proxy.swallow()
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        assert ask(client, b"hello") == b"hello"


def test_a_reset_breaks_open_connections(proxy: FaultProxy, client: socket.socket) -> None:
    ask(client, b"hello")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_request_can_be_broken_before_the_server_gets_it(
    proxy: FaultProxy, client: socket.socket, server: EchoServer
) -> None:
    ask(client, b"hello")
    proxy.break_after(requests=0)
    with pytest.raises(ConnectionResetError):
        ask(client, b"lost")
    assert bytes(server.received) == b"hello"


def test_a_request_can_be_broken_after_the_server_got_it(
    proxy: FaultProxy, client: socket.socket, server: EchoServer
) -> None:
    proxy.break_after(answers=0)
    with pytest.raises(ConnectionResetError):
        ask(client, b"hello")
    assert bytes(server.received) == b"hello"


def test_an_answer_can_be_cut_short(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.break_after(answers=3, politely=True)
    assert ask(client, b"hello") == b"hel"
    assert client.recv(1) == b""


def test_a_healed_link_breaks_no_more(proxy: FaultProxy) -> None:
    proxy.break_after(requests=0)
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        assert ask(client, b"hello") == b"hello"


def test_a_slow_link_loses_nothing(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.delay, proxy.rate = 0.001, 100_000.0
    text = bytes(range(256)) * 100
    assert ask(client, text) == text
