"""Which ports this process listens on."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from service_server_fastapi.lifecycle.listening_ports import listening_ports

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list them")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_is_listed_as_long_as_a_socket_listens_on_it(family: socket.AddressFamily) -> None:
    with socket.create_server(("localhost" if family is socket.AF_INET else "::1", 0), family=family) as server:
        port = server.getsockname()[1]
        assert port in listening_ports()
    assert port not in listening_ports()


LISTENING = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


def test_ports_of_other_processes_and_connections_are_not_listed() -> None:
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert {port, connection.getsockname()[1]} & listening_ports() == set()
        other.kill()
