from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from stub_agent import Cut, answer, serving

from service_core.declaring.health import Health, HealthStatus
from service_registry_consul.registering.initial_status import probe, query_source


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "passing"), (204, "passing"), (429, "warning"), (404, "critical"), (500, "critical"), (302, "critical")],
)
async def test_an_endpoint_is_judged_as_consul_does(status: int, state: str) -> None:
    with serving(lambda _: answer("", status=status)) as server:
        assert await probe({"HTTP": f"{server.url}/health"}, 5) == state
        assert server.asked[0].path == "/health"


async def test_what_does_not_answer_in_time_is_critical() -> None:
    with serving(lambda _: _never(server.closing.wait)) as server:
        assert await probe({"HTTP": f"{server.url}/health"}, 0.05) == "critical"


def _never(wait: Callable[[], bool]) -> None:
    wait()


@contextmanager
def encrypted(certificate: trustme.LeafCert) -> Iterator[str]:
    """A server that answers 200 over TLS, on localhost."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
            del format, args

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("host", "believed", "skip", "state"),
    [
        ("localhost", True, False, "passing"),
        ("localhost", False, False, "critical"),
        ("other.example", True, False, "critical"),
        ("other.example", False, True, "passing"),
    ],
)
async def test_a_certificate_is_checked_unless_the_agent_shall_not(
    host: str, believed: bool, skip: bool, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    (authority if believed else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with encrypted(authority.issue_cert(host)) as url:
        assert await probe({"HTTP": f"{url}/health", **({"TLSSkipVerify": True} if skip else {})}, 5) == state


async def test_what_is_no_http_is_critical() -> None:
    with serving(lambda _: Cut(b"garbage")) as server:
        assert await probe({"HTTP": f"{server.url}/health"}, 5) == "critical"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
async def test_a_port_is_tried(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        assert await probe({"TCP": target}, 5) == "passing"
    assert await probe({"TCP": target}, 5) == "critical"


@pytest.mark.parametrize(
    ("status", "state"),
    [(HealthStatus.OK, "passing"), (HealthStatus.WARNING, "warning"), (HealthStatus.ERROR, "critical")],
)
async def test_a_source_is_queried(status: HealthStatus, state: str) -> None:
    async def source(component: str) -> Health:
        assert component == "c"
        return Health(status)

    assert await query_source(source, "c", 5) == state


async def test_a_source_that_hangs_or_raises_means_critical(caplog: pytest.LogCaptureFixture) -> None:
    async def hang(_: str) -> Health:
        await asyncio.Event().wait()
        raise AssertionError

    async def fail(_: str) -> Health:
        raise LookupError("on purpose")

    assert await query_source(hang, "one", 0.01) == "critical"
    assert await query_source(fail, "two", 5) == "critical"
    assert "the health source failed for component 'one'" in caplog.text
    assert "on purpose" in caplog.text
