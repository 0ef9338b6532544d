"""Encrypted servers as processes of their own: ours, and uvicorn with our application."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service_channels_http import ClientTLS, DispatchJSONChannel
from service_core import ServiceCommunicationException
from tests.integration.tls.safe import CALLS, bound
from tests.support.certificates import Authority, Files
from tests.support.consul import free_ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PASSWORD = "hunter2"
PROGRAM = "tests.integration.tls.program"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def our_command(_port: int, _files: Files, _ca_file: Path) -> list[str]:
    return [PROGRAM]


def uvicorn_command(port: int, files: Files, ca_file: Path) -> list[str]:
    tls = {
        "--ssl-certfile": str(files.cert),
        "--ssl-keyfile": str(files.key),
        "--ssl-keyfile-password": PASSWORD,
        "--ssl-ca-certs": str(ca_file),
        "--ssl-cert-reqs": "2",
        "--timeout-graceful-shutdown": "1",  # it would wait 30 s for the goodbyes of idle clients
    }
    options = [part for option in tls.items() for part in option]
    return ["uvicorn", "--factory", f"{PROGRAM}:make_app", "--port", str(port), *options]


@contextmanager
def running(command: list[str], **settings: object) -> Iterator[subprocess.Popen[str]]:
    """A process with settings of a server in its environment; killed at the end if it is still there."""
    variables = {f"SERVICE_SERVER_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("command", [our_command, uvicorn_command])
def test_a_process_serves_clients_with_a_certificate_and_stops_in_order(
    authority: Authority, command: Callable[[int, Files, Path], list[str]]
) -> None:
    [port] = free_ports(1)
    files, client = (
        authority.issue("server", "127.0.0.1", password=PASSWORD),
        authority.issue("client", "a@example.org"),
    )
    tls = ClientTLS(ca_file=authority.file, cert_file=client.cert, key_file=client.key)
    url = f"https://127.0.0.1:{port}"
    settings = {"host": "127.0.0.1", "port": port, "cert_file": files.cert, "key_file": files.key}
    settings |= {"key_password": PASSWORD, "client_ca_file": authority.file}

    with (
        running(command(port, files, authority.file), **settings) as process,
        httpx.Client(verify=tls.context()) as http,
    ):

        def is_ready() -> bool:
            try:
                return http.get(f"{url}/health/ready").status_code == 200
            except httpx.ConnectError:
                return False

        eventually(is_ready)
        for call in CALLS:
            channel = DispatchJSONChannel()
            channel.tls = tls
            assert call(channel, url, 1) == "gold 1"
            stranger = DispatchJSONChannel()
            stranger.tls = ClientTLS(ca_file=authority.file)
            with pytest.raises(ServiceCommunicationException):
                call(stranger, url, 1)

        idle = DispatchJSONChannel()
        idle.tls = tls
        assert bound(idle, url).open(2) == "gold 2"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        idle.close()
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in output
        assert PASSWORD not in output


def test_a_process_with_a_wrong_password_ends_with_what_is_wrong(authority: Authority) -> None:
    files = authority.issue("server", "127.0.0.1", password=PASSWORD)
    settings = {"port": 0, "cert_file": files.cert, "key_file": files.key, "key_password": "swordfish"}
    with running([PROGRAM], **settings) as process:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "setting 'key_password' (SERVICE_SERVER_KEY_PASSWORD): it does not open the key in" in output
        assert "swordfish" not in output
