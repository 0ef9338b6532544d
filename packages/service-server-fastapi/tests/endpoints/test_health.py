"""Health endpoints of a running server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from desk import LoggingRegistry, World, serving, until
from fastapi import FastAPI
from raw_http import Reply, call, request

from service_core import DeclarationException, Health, HealthStatus
from service_core.declaring.health import HealthSource
from service_core.di import create, module
from service_health import HealthCheckManager, health_check, health_checks
from service_server_fastapi import FastAPIServer, ServerSettings

LIVE, READY, COMPONENT = "/health/live", "/health/ready", "/health/desk"


@health_checks()
class Checks:
    """Report what the test sets."""

    def __init__(self) -> None:
        self.database_is = HealthStatus.OK
        self.loop_is = HealthStatus.OK

    @health_check()
    def database(self, result: HealthCheckManager.Result) -> None:
        result.set_status(self.database_is, "10.0.0.7:5432")

    @health_check(group="liveness")
    async def loop(self, result: HealthCheckManager.Result) -> None:
        result.set_status(self.loop_is)


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def checking(checks: Checks) -> type:
    @module()
    class CheckingModule:
        @create()
        def create_checks(self) -> Checks:
            return checks

    return CheckingModule


@pytest.fixture
def served(checking: type) -> Iterator[tuple[FastAPIServer, World]]:
    settings = ServerSettings(health_timeout=0.1, max_concurrency=3, worker_threads=2)
    with serving(imports=[checking], settings=settings) as (server, world):
        yield server, world


def reported(reply: Reply) -> dict[str, str]:
    """The statuses by name of check."""
    return {check["name"]: check["status"] for check in reply.json["checks"]}


def test_a_healthy_server_reports_that(served: tuple[FastAPIServer, World]) -> None:
    server, _ = served

    live, ready, component = (request(server.url, path) for path in (LIVE, READY, COMPONENT))

    assert [reply.status for reply in (live, ready, component)] == [200, 200, 200]
    assert reported(live) == {"loop": "OK"}
    assert reported(ready) == {"server": "OK", "database": "OK"}
    assert component.json == {"status": "OK", "checks": []}


@pytest.mark.parametrize(("status", "code"), [(HealthStatus.WARNING, 429), (HealthStatus.ERROR, 503)])
def test_a_check_speaks_for_its_group_only(
    served: tuple[FastAPIServer, World], checks: Checks, status: HealthStatus, code: int
) -> None:
    server, _ = served
    checks.database_is = status
    assert [request(server.url, path).status for path in (LIVE, READY)] == [200, code]

    checks.database_is, checks.loop_is = HealthStatus.OK, status
    assert [request(server.url, path).status for path in (LIVE, READY)] == [code, 200]


def test_strangers_read_no_details(served: tuple[FastAPIServer, World], checks: Checks) -> None:
    checks.database_is = HealthStatus.ERROR

    reply = request(served[0].url, READY)

    assert b"10.0.0.7" not in reply.body
    assert b"ready" not in reply.body


def test_details_are_sent_where_a_setting_allows_it(checking: type) -> None:
    with serving(imports=[checking], settings=ServerSettings(details=True)) as (server, _):
        details = {check["name"]: check["details"] for check in request(server.url, READY).json["checks"]}

    assert details == {"server": "ready", "database": "10.0.0.7:5432"}


def test_a_server_is_ready_from_registration_to_deregistration_and_alive_before_and_after() -> None:
    world = World()
    seen: list[list[int]] = []
    server = FastAPIServer("127.0.0.1", 0)

    def look() -> None:
        seen.append([request(server.url, path).status for path in (LIVE, READY, COMPONENT)])

    world.registry.on_register = world.registry.on_deregister = look
    with server:
        server.boot(world.module())
        look()

    assert seen == [[200, 503, 200], [200, 200, 200], [200, 503, 200]]


def raising() -> Health:
    raise ConnectionError("password=hunter2")


async def hanging() -> Health:
    await asyncio.sleep(60)
    return Health()


async def timing_out() -> Health:
    raise TimeoutError


@pytest.mark.parametrize(
    ("health", "details"),
    [
        (raising, "raised ConnectionError"),
        (hanging, "did not answer within 0.1 s"),
        (timing_out, "raised TimeoutError"),
        (lambda: None, "returned NoneType, not a Health"),
    ],
)
def test_a_component_that_cannot_say_how_it_is_is_in_error(health: Any, details: str) -> None:
    world = World()
    world.component.health = health
    with serving(world, settings=ServerSettings(health_timeout=0.1, details=True)) as (server, _):
        reply = request(server.url, COMPONENT)

    assert reply.status == 503
    assert [(check["name"], check["details"]) for check in reply.json["checks"]] == [("get_health", details)]
    assert b"hunter2" not in reply.body


def test_the_error_of_a_component_is_logged(
    served: tuple[FastAPIServer, World], caplog: pytest.LogCaptureFixture
) -> None:
    server, world = served
    world.component.health = raising

    request(server.url, COMPONENT)

    assert [record.getMessage() for record in caplog.records] == ["get_health() of a component raised"]


def test_the_registry_decides_which_status_means_what(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LoggingRegistry, "map_health", lambda self, health: 200 + health.status.value)
    with serving() as (server, _):
        assert [request(server.url, path).status for path in (LIVE, READY, COMPONENT)] == [201, 201, 201]


async def test_a_registry_that_passes_health_on_gets_it_from_the_loop_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources: list[HealthSource] = []
    monkeypatch.setattr(LoggingRegistry, "set_health_source", lambda self, source: sources.append(source))
    world = World()
    world.component.health = lambda: Health(
        HealthStatus.WARNING if threading.current_thread().name == "service-server" else HealthStatus.ERROR
    )
    with serving(world):
        (tell,) = sources
        assert (await tell("desk-component")).status is HealthStatus.WARNING


def test_health_is_answered_while_all_workers_are_blocked_and_no_call_is_taken(
    served: tuple[FastAPIServer, World], checks: Checks
) -> None:
    server, world = served
    with ThreadPoolExecutor(3) as threads:
        blocked = [threads.submit(call, server.url, "block") for _ in range(3)]
        for _ in range(2):
            world.desk.entered.acquire()
        until(lambda: call(server.url, "echo_async", "a").status == 503)  # the third waits for a worker

        replies = [request(server.url, path).status for path in (LIVE, READY, COMPONENT)]

        assert not any(one.done() for one in blocked)
        world.desk.release.set()
    assert replies == [200, 200, 200]


@pytest.mark.parametrize("path", [LIVE, READY, COMPONENT])
def test_health_is_read_with_get_and_head(served: tuple[FastAPIServer, World], path: str) -> None:
    head = request(served[0].url, path, method="HEAD")
    post = request(served[0].url, path, method="POST")

    assert (head.status, head.body) == (200, b"")
    assert (post.status, post.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", [LIVE, "/invoke", COMPONENT])
def test_a_path_that_the_application_has_already_is_refused(path: str) -> None:
    app = FastAPI()
    app.add_api_route(path, lambda: None)
    world = World()

    with pytest.raises(DeclarationException, match=f"the path '{path}' is used by another route") as caught:
        FastAPIServer("127.0.0.1", 0, app).boot(world.module())

    assert "another path" in str(caught.value)
    assert "register" not in world.log


def test_health_endpoints_are_not_in_the_documentation() -> None:
    with serving(app=FastAPI()) as (server, _):
        paths = request(server.url, "/openapi.json").json["paths"]
    assert not [path for path in paths if "health" in path or "invoke" in path]
