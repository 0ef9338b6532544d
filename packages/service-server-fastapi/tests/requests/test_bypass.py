"""Calls are taken past FastAPI's layers, unless a layer could observe the difference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service_core.dispatch import Response
from service_server_fastapi.access.allowed_hosts import AllowedHosts
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.application.full import obstacles_of
from service_server_fastapi.requests.bypass import Bypass
from service_server_fastapi.requests.fast_path import ReceivedRequest, Responding
from service_server_fastapi.requests.in_flight import InFlight


class Endpoint:
    """Answers with the application of a request, and whether it has been routed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "seen", "app": scope.get("app"), "routed": "router" in scope})

    async def answer(self, request: ReceivedRequest, connection: Responding) -> Response:
        raise AssertionError("it must not be called")


endpoint = Endpoint()


class Layer:
    """Middleware that notes what it sees."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._seen.append(scope["path"])
        await self._app(scope, receive, send)


class OwnApplication(FastAPI):
    """An application that could do anything with a request."""


def application() -> FastAPI:
    return routing(FastAPI())


def routing(app: FastAPI) -> FastAPI:
    app.router.routes.append(Route("/invoke", endpoint))
    return app


async def passed(app: FastAPI, path: str = "/invoke", root_path: str = "") -> list[Any]:
    """What is sent for a request."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", b"test")],
    }
    bypass = Bypass(
        app,
        InFlight(lambda: False, AllowedHosts(()), RejectionLog()),
        lambda scope: endpoint if scope["path"] == "/invoke" else None,
        lambda: obstacles_of(app),
    )
    await bypass(scope, receive, send)
    return sent


async def test_a_call_goes_straight_to_its_endpoint() -> None:
    app = application()
    assert await passed(app) == [{"type": "seen", "app": app, "routed": False}]


async def test_what_is_no_call_goes_to_the_application() -> None:
    app = application()
    assert (await passed(app, "/elsewhere"))[0]["status"] == 404
    assert (await passed(app, "/invoke/"))[0]["status"] == 307


async def test_middleware_sees_calls() -> None:
    app, seen = application(), list[str]()
    app.add_middleware(Layer, seen=seen)
    assert (await passed(app))[0]["routed"]
    assert seen == ["/invoke"]


def wrap_the_stack(app: FastAPI, seen: list[str]) -> None:
    """As tools do that watch over one application."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Layer(build(), seen)  # type: ignore[method-assign]


async def test_a_stack_that_was_wrapped_sees_calls() -> None:
    app, seen = application(), list[str]()
    wrap_the_stack(app, seen)
    assert (await passed(app))[0]["routed"]
    assert seen == ["/invoke"]


@pytest.mark.parametrize("cls", [FastAPI, Starlette])
async def test_a_class_that_was_patched_sees_calls(cls: type[Starlette], monkeypatch: pytest.MonkeyPatch) -> None:
    original, seen = cls.__call__, list[str]()

    async def patched(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(cls, "__call__", patched)
    assert (await passed(application()))[0]["routed"]
    assert "/invoke" in seen


def of_own_class() -> FastAPI:
    return routing(OwnApplication())


def below_a_root() -> FastAPI:
    app = application()
    app.root_path = "/api"
    return app


async def test_a_log_line_says_once_why_the_layers_see_calls(caplog: pytest.LogCaptureFixture) -> None:
    app = below_a_root()
    app.add_middleware(Layer, seen=[])
    server = Bypass(
        app, InFlight(lambda: False, AllowedHosts(()), RejectionLog()), lambda scope: None, lambda: obstacles_of(app)
    )
    for _ in range(2):
        assert server.fast_path({"type": "http", "headers": []}) is None
    assert [record.getMessage() for record in caplog.records] == [
        f"calls go through all layers of the application, since it has the middleware {__name__}.Layer; it has the "
        f"root_path '/api'"
    ]


async def test_a_plain_application_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    await passed(application())
    assert caplog.records == []


@pytest.mark.parametrize("make", [of_own_class, below_a_root])
async def test_an_application_that_is_not_plain_sees_calls(make: Callable[[], FastAPI]) -> None:
    assert (await passed(make()))[0]["routed"]


async def test_a_path_below_a_root_is_found_by_the_application() -> None:
    assert (await passed(application(), root_path="/api"))[0]["routed"]


@pytest.mark.parametrize("tool", ["opentelemetry.sdk", "ddtrace", "sentry_sdk"])
async def test_tools_that_observe_fastapi_see_calls(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, tool, ModuleType(tool))
    assert (await passed(application()))[0]["routed"]
