"""Many connections: they stay idle, or come and go. Descriptors and memory of the server do not grow with them.

The long form opens 2,000 at once and 60,000 one after the other; the ordinary form less.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.processes import ServerProcess
from tests.support.memory import MB, resident_memory
from tests.support.waiting import PATIENCE, eventually

REQUEST = b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n"


def descriptors(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def opened(server: ServerProcess) -> socket.socket:
    """A connection that has been used once."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(REQUEST)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    return connection


def come_and_go(server: ServerProcess, count: int) -> None:
    for _ in range(count):
        opened(server).close()


def test_connections_that_have_gone_leave_nothing(server: ServerProcess, is_long: bool) -> None:
    come_and_go(server, 500)  # what the first ones cost once
    begin = descriptors(server)
    idle, short = (2000, 60_000) if is_long else (200, 1500)
    before = resident_memory(server.pid)
    with ExitStack() as stack:
        for _ in range(idle):
            stack.enter_context(opened(server))
        assert idle < descriptors(server) <= begin + idle
        assert resident_memory(server.pid) - before < idle * 30_000 + 8 * MB
    eventually(lambda: descriptors(server) <= begin)
    after = resident_memory(server.pid)
    come_and_go(server, short)
    eventually(lambda: descriptors(server) <= begin)
    assert resident_memory(server.pid) - after < 16 * MB
