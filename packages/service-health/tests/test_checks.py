"""The ready-made checks, against real sockets, registries and loops."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from service_core.declaring.health import CheckResult
from service_core.errors import DeclarationException
from service_core.registry.base import ComponentRegistry, LocalComponentRegistry
from service_core.registry.static import StaticComponentRegistry
from service_health import HealthCheckManager, HealthStatus
from service_health.checks import ComponentReachable, DiskSpace, EventLoopLag, HttpReachable, TcpReachable


def reported(check: Any) -> CheckResult:
    manager = HealthCheckManager()
    manager.add_check(check, name="check")
    return manager.check_sync().checks["check"]


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def free_port() -> int:
    with listening() as server:
        port: int = server.getsockname()[1]
        return port


def test_a_check_has_the_name_of_its_class_unless_it_is_given_another() -> None:
    manager = HealthCheckManager()
    manager.add_check(DiskSpace("/", warning=0, error=0))
    manager.add_check(DiskSpace("/tmp", warning=0, error=0), name="temporary")

    assert list(manager.check_sync().checks) == ["DiskSpace", "temporary"]


# disk space


@pytest.mark.parametrize(
    ("warning", "error", "status"),
    [(0, 0, HealthStatus.OK), (1, 0, HealthStatus.WARNING), (1, 1, HealthStatus.ERROR)],
)
def test_disk_space_is_judged_by_the_free_fraction(warning: float, error: float, status: HealthStatus) -> None:
    found = reported(DiskSpace("/", warning=warning, error=error))

    assert found.status is status
    assert "% of / free, " in found.details


def test_the_disk_of_a_path_that_does_not_exist_is_an_error() -> None:
    assert reported(DiskSpace("/does/not/exist")).details == "raised FileNotFoundError"


@pytest.mark.parametrize(("warning", "error"), [(10, 5), (0.05, 0.1), (0.1, -0.1)])
def test_limits_of_disk_space_that_are_no_fractions_in_order_are_refused(warning: float, error: float) -> None:
    with pytest.raises(DeclarationException, match=r"DiskSpace.*use free fractions of the whole, 0 <= error <= w"):
        DiskSpace("/", warning=warning, error=error)


# event loop lag


async def test_a_loop_that_comes_round_is_ok() -> None:
    manager = HealthCheckManager()
    manager.add_check(EventLoopLag(warning=30, error=60), group="liveness")

    found = (await manager.check("liveness")).checks["EventLoopLag"]
    assert found.status is HealthStatus.OK
    assert found.details.endswith(" ms late")


@pytest.mark.parametrize(("error", "status"), [(60.0, HealthStatus.WARNING), (0.05, HealthStatus.ERROR)])
async def test_a_loop_that_is_blocked_for_a_while_lags(error: float, status: HealthStatus) -> None:
    manager = HealthCheckManager()
    manager.add_check(EventLoopLag(warning=0.05, error=error))

    async def block() -> None:
        while True:
            time.sleep(0.2)  # noqa: ASYNC251 - beyond the end of any sample
            await asyncio.sleep(0)

    blocking = asyncio.create_task(block())
    assert (await manager.check()).status is status
    blocking.cancel()


def test_a_loop_that_is_stuck_is_seen_from_a_thread() -> None:
    stuck, release = threading.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def block() -> None:
        loops.append(asyncio.get_running_loop())
        stuck.set()
        release.wait(10)

    running = threading.Thread(target=lambda: asyncio.run(block()))
    running.start()
    stuck.wait(10)
    manager = HealthCheckManager()
    manager.add_check(EventLoopLag(loop=loops[0]), timeout=0.2)
    health = manager.check_sync()
    release.set()
    running.join(10)

    assert health.checks["EventLoopLag"].details == "did not finish within 0.2 s"


def test_a_closed_loop_is_an_error() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    found = reported(EventLoopLag(loop=loop))
    assert (found.status, found.details) == (HealthStatus.ERROR, "the loop is closed")


@pytest.mark.parametrize(("warning", "error"), [(0, 1), (2, 1), (1, float("inf"))])
def test_limits_of_lag_in_the_wrong_order_are_refused(warning: float, error: float) -> None:
    with pytest.raises(DeclarationException, match=r"EventLoopLag.*use seconds, 0 < warning <= error"):
        EventLoopLag(warning=warning, error=error)


# tcp


def test_a_port_on_which_something_listens_is_reachable() -> None:
    with listening() as server:
        assert reported(TcpReachable("127.0.0.1", server.getsockname()[1])).status is HealthStatus.OK


def test_a_port_on_which_nothing_listens_is_not() -> None:
    port = free_port()
    found = reported(TcpReachable("127.0.0.1", port))

    assert found.status is HealthStatus.ERROR
    assert found.details == f"127.0.0.1:{port} is not reachable: Connection refused"


def test_a_dependency_that_is_not_needed_for_all_is_worth_a_warning() -> None:
    assert reported(TcpReachable("127.0.0.1", free_port(), severity=HealthStatus.WARNING)).status is (
        HealthStatus.WARNING
    )


# http


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/").partition("?")[0]))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep quiet."""


@pytest.fixture(scope="module")
def http_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join(10)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (200, HealthStatus.OK),
        (204, HealthStatus.OK),
        (302, HealthStatus.OK),
        (429, HealthStatus.WARNING),
        (404, HealthStatus.ERROR),
        (503, HealthStatus.ERROR),
    ],
)
def test_the_status_of_an_http_dependency_counts(http_url: str, answer: int, status: HealthStatus) -> None:
    found = reported(HttpReachable(f"{http_url}/{answer}"))

    assert found.status is status
    if status is not HealthStatus.OK:
        assert found.details == f"{http_url}/{answer} answered {answer}"


def test_the_query_is_sent_but_not_shown(http_url: str) -> None:
    assert reported(HttpReachable(f"{http_url}/503?token=secret")).details == f"{http_url}/503 answered 503"


def test_an_http_dependency_that_does_not_listen_is_an_error() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    assert reported(HttpReachable(url)).details == f"{url} does not answer: Connection refused"


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with listening() as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"+OK redis\r\n")

        speaking = threading.Thread(target=speak)
        speaking.start()
        found = reported(HttpReachable(f"http://127.0.0.1:{server.getsockname()[1]}"))
        speaking.join(10)

    assert found.details.endswith(" does not answer: BadStatusLine")


def test_an_http_dependency_that_keeps_silent_is_an_error() -> None:
    with listening() as server:
        found = reported(HttpReachable(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.05))

    assert found.details.endswith(" does not answer: TimeoutError")


@pytest.mark.parametrize(
    "url", ["", "localhost:80", "ftp://host", "http://", "http://me:secret@host", "http://h:x", "http://[::1"]
)
def test_what_is_no_http_url_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(DeclarationException) as refused:
        HttpReachable(url)

    assert str(refused.value) == ("HttpReachable: use an absolute http or https URL without user and password")


# another component


class SilentRegistry(LocalComponentRegistry):
    """One that never comes to know anything."""

    def follow(self, component: str) -> None:
        """Find out nothing."""


def test_a_component_with_an_instance_is_reachable() -> None:
    registry = StaticComponentRegistry({"stock": {"dispatch-json": "http://10.0.0.7:8000"}})

    assert reported(ComponentReachable(registry, "stock")).status is HealthStatus.OK


@pytest.mark.parametrize("registry", [LocalComponentRegistry(), SilentRegistry()])
def test_a_component_without_known_instances_is_not_reachable(registry: ComponentRegistry) -> None:
    found = reported(ComponentReachable(registry, "stock", timeout=0.02))

    assert (found.status, found.details) == (HealthStatus.ERROR, "no instance of component 'stock' is registered")
