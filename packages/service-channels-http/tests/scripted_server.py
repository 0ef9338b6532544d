"""An HTTP server that does what a test tells it to, byte by byte if need be."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

WAIT = 30.0
"""Seconds after which a test that waits in vain fails."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request, and the way to answer it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: socket.socket

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.connection.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", content_type: str = "", **headers: str) -> None:
        """Send an answer; underscores in the names of headers stand for hyphens."""
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def wait_until_left(self) -> None:
        """Say nothing until the client gives up."""
        while self.connection.recv(4096):
            pass

    def reset(self) -> None:
        """End the script and the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


Script = Callable[[Received], None]


class ScriptedServer:
    """Runs a script for every request, each connection in a thread of its own."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Received] = []
        self._script = script
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Accept connections until :meth:`stop`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self._connections.add(connection)
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Close everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):  # the client has left meanwhile
                    connection.shutdown(socket.SHUT_RDWR)

    def wait_for_connections(self, count: int) -> None:
        """Wait until that many connections are open, no more and no fewer."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self._connections) == count, WAIT)
            assert reached, f"{len(self._connections)} connections are open, not {count}"

    def wait_for_requests(self, count: int) -> None:
        """Wait until at least that many requests have arrived."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.requests) >= count, WAIT)
            assert reached, f"{len(self.requests)} requests have arrived, not {count}"

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while head := _read_head(stream):
                    self._handle(head, stream.read, connection)
        except OSError:
            pass  # the client has left, or the script has reset
        finally:
            with self._changed:
                self._connections.discard(connection)
                self._changed.notify_all()

    def _handle(self, head: list[bytes], read: Callable[[int], bytes], connection: socket.socket) -> None:
        lines = [line.decode("latin-1").strip() for line in head]
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            before = headers.get(name.lower())
            headers[name.lower()] = value.strip() if before is None else f"{before}, {value.strip()}"
        length = int(headers.get("content-length", "0"))
        body = read(length)
        if len(body) < length:
            return  # the client has left
        method, path, _ = lines[0].split(" ", 2)
        request = Received(method=method, path=path, headers=headers, body=body, connection=connection)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        self._script(request)


def _read_head(stream: BinaryIO) -> list[bytes]:
    lines: list[bytes] = []
    for line in stream:
        if line == b"\r\n":
            return lines
        lines.append(line)
    return []  # the client has left


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """A running server."""
    server = ScriptedServer(script)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(WAIT)


def unused_url() -> str:
    """An address at which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def full_backlog() -> Iterator[str]:
    """An address at which connections are neither accepted nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        address = listener.getsockname()
        for _ in range(8):  # the kernel takes one or two more than the backlog says
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
