"""A server without FastAPI answers as one with it, and has not imported it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from archive import serving as serving_archive
from desk import World, serving
from fastapi import FastAPI
from raw_http import Connection, Reply, call, request

from service_core import DeclarationException, LocalServiceException
from service_server_fastapi import FastAPIServer, RequestContext, ServerSettings
from service_server_fastapi.application.bare import BareApplication

SETTINGS = ServerSettings(report=True, details=True, describe=True)


@pytest.fixture(scope="module")
def bare() -> Iterator[FastAPIServer]:
    with serving(settings=SETTINGS) as (server, _):
        yield server


@pytest.fixture(scope="module")
def full() -> Iterator[FastAPIServer]:
    with serving(app=FastAPI(openapi_url=None), settings=SETTINGS) as (server, _):
        yield server


def seen(reply: Reply) -> tuple[int, dict[str, str]]:
    varying = ("date", "x-correlation-id", "content-length")
    return reply.status, {name: value for name, value in reply.headers.items() if name not in varying}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/", "/invoke", "/health/live", "/health/desk", "/report", "/describe", "/elsewhere", "/docs", "/own"]
)
def test_it_answers_as_a_server_with_fastapi(bare: FastAPIServer, full: FastAPIServer, path: str, method: str) -> None:
    ours, theirs = (request(server.url, path, method=method, host="localhost") for server in (bare, full))
    assert seen(ours) == seen(theirs)
    assert (ours.body == b"") == (theirs.body == b"")
    if ours.status in (404, 405) and path != "/invoke":
        assert ours.body == theirs.body


@pytest.mark.parametrize(
    ("path", "location"), [("/health/live/", "/health/live"), ("/report/?a=b", "/report?a=b"), ("/invoke/", "/invoke")]
)
def test_a_slash_too_many_is_redirected(bare: FastAPIServer, path: str, location: str) -> None:
    reply = request(bare.url, path)
    assert (reply.status, reply.headers["location"]) == (307, location)


def test_a_path_that_looks_like_a_host_is_not_redirected(bare: FastAPIServer) -> None:
    assert request(bare.url, "//health/live/").status == 404


def test_the_report_is_read_as_text_and_as_json(bare: FastAPIServer) -> None:
    assert request(bare.url, "/report").json["state"] == "ready"
    assert request(bare.url, "/report", accept="text/plain").headers["content-type"] == "text/plain; charset=utf-8"


def test_a_websocket_is_refused(bare: FastAPIServer) -> None:
    with Connection(bare.url) as connection:
        connection.head(
            "GET",
            "/own",
            content_type=None,
            connection="Upgrade",
            upgrade="websocket",
            sec_websocket_version=13,
            sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
        )
        assert connection.reply().status == 403


def test_a_call_has_its_request(bare: FastAPIServer) -> None:
    found = call(bare.url, "whereabouts", user_agent="a test").json["result"]
    assert found["user_agent"] == "a test"
    assert not RequestContext.is_active()


def test_the_application_cannot_be_used_after_a_start_without_it(bare: FastAPIServer) -> None:
    with pytest.raises(LocalServiceException, match=r"or use server\.app before boot\(\)"):
        _ = bare.app


def test_a_component_whose_health_has_the_path_of_another_endpoint_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service_server_fastapi.application.assembly.LIVE", "/health/desk")
    with pytest.raises(DeclarationException, match="the path '/health/desk' is used by another route"):
        FastAPIServer("127.0.0.1", 0).boot(World().module())


def test_services_with_routes_are_served_with_fastapi() -> None:
    with serving_archive() as served:
        assert request(served.url, "/openapi.json").status == 200


def test_a_tool_that_watches_fastapi_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ddtrace", ModuleType("ddtrace"))
    with serving() as (server, _):
        assert isinstance(server.app, FastAPI)


async def test_a_lifespan_that_fails_is_reported_by_phase() -> None:
    for phase in ("startup", "shutdown"):
        sent = await _lifespan_that_fails(phase)
        assert sent[-1]["type"] == f"lifespan.{phase}.failed"
        assert "on purpose" in sent[-1]["message"]


async def _lifespan_that_fails(phase: str) -> list[Any]:
    application, sent = BareApplication(None), list[Any]()  # type: ignore[arg-type]  # no request is sent

    @asynccontextmanager
    async def failing(_app: object) -> AsyncIterator[None]:
        if phase == "startup":
            raise ValueError("on purpose")
        yield
        raise ValueError("on purpose")

    application.lifespan_context = failing

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ValueError, match="on purpose"):
        await application({"type": "lifespan"}, receive, send)
    return sent


PROGRAM = """
import sys
from desk import World
from raw_http import call, request
from service_server_fastapi import FastAPIServer

with FastAPIServer("127.0.0.1", 0) as server:
    server.boot(World().module())
    assert call(server.url, "echo", "a").json["result"] == "a"
    for path in ("/health/live", "/health/ready", "/health/desk", "/describe"):
        assert request(server.url, path, host="localhost").status == 200
    heavy = ("fastapi", "starlette.routing", "starlette.requests", "starlette.applications", "websockets")
    print([name for name in heavy if name in sys.modules])
"""


def test_fastapi_is_not_imported() -> None:
    here = Path(__file__).parent.parent
    # The desk imports nothing of FastAPI either.
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=here, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
