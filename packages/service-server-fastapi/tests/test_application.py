"""The user's own application: its routes, middleware and lifespan work beside the framework's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from desk import World, serving
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from raw_http import call, request
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.sync.client import connect

from service_server_fastapi import FastAPIServer, RequestContext, ServerSettings


class Trouble(Exception):
    """What the user's code raises on purpose."""


def test_routes_of_the_user_are_served_beside_the_calls() -> None:
    app = FastAPI()

    @app.get("/hello/{name}")
    async def hello(name: str) -> dict[str, str]:
        return {"hello": name}

    with serving(app=app) as (server, _):
        assert request(server.url, "/hello/you").json == {"hello": "you"}
        assert call(server.url, "echo", "a").status == 200
        assert "/hello/{name}" in request(server.url, "/openapi.json").json["paths"]


def test_a_route_that_takes_every_path_leaves_us_ours() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    with serving(app=app) as (server, _):
        assert request(server.url, "/some/where").json == "some/where"
        assert request(server.url, "/health/live").json["status"] == "OK"


def test_middleware_of_the_user_sees_calls() -> None:
    app = FastAPI()
    seen: list[str] = []

    @app.middleware("http")
    async def watch(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        seen.append(request.url.path)
        response = await proceed(request)
        response.headers["x-watched"] = "yes"
        return response

    class Plain:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["type"])
            await self._app(scope, receive, send)

    app.add_middleware(Plain)
    with serving(app=app) as (server, _):
        reply = call(server.url, "echo", "a", 2)

    assert (reply.json["result"], reply.headers["x-watched"]) == ("aa", "yes")
    assert seen == ["lifespan", "http", "/invoke"]


def test_the_request_is_known_in_routes_of_the_user_too() -> None:
    app = FastAPI()

    @app.get("/agent")
    def agent() -> str | None:
        return RequestContext.get_request().headers.get("user-agent")

    with serving(app=app) as (server, _):
        assert request(server.url, "/agent", user_agent="test/1").json == "test/1"
    with pytest.raises(LookupError, match="this code was not called through the server"):
        RequestContext.get_request()


def test_a_websocket_stays_open_beyond_the_time_for_a_head() -> None:
    app = FastAPI()

    @app.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await websocket.send_text(await websocket.receive_text())

    with (
        serving(app=app, settings=ServerSettings(receive_timeout=0.05)) as (server, _),
        connect(server.url.replace("http", "ws") + "/chat") as websocket,
    ):
        for text in ("a", "b"):
            websocket.send(text)
            assert websocket.recv(timeout=20) == text
            call(server.url, "linger", x_deadline_ms=100)  # takes longer than a head may


def lifespan_of(log: list[str], *, trouble_at: str = "") -> Callable[[Any], Any]:
    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        for step in ("open", "close"):
            log.append(step)
            if trouble_at == step:
                raise Trouble(step)
            if step == "open":
                yield {"pool": "of connections"}

    return lifespan


def test_the_lifespan_of_the_user_is_around_the_components() -> None:
    world = World()
    app = FastAPI(lifespan=lifespan_of(world.log))

    @app.get("/pool")
    async def pool(request: Request) -> str:
        found: str = request.state.pool
        return found

    with serving(world, app=app) as (server, _):
        assert request(server.url, "/pool").json == "of connections"

    assert world.log == ["open", "startup", "register", "deregister", "shutdown", "destroyed", "close"]


def test_a_lifespan_that_does_not_begin_is_raised_by_boot() -> None:
    world = World()
    app = FastAPI(lifespan=lifespan_of(world.log, trouble_at="open"))

    with pytest.raises(Trouble, match="open"):
        FastAPIServer("127.0.0.1", 0, app).boot(world.module())

    assert world.log == ["open", "destroyed"]


def test_a_lifespan_that_does_not_end_well_is_raised_by_stop() -> None:
    world = World()
    app = FastAPI(lifespan=lifespan_of(world.log, trouble_at="close"))
    with serving(world, app=app) as (server, _):
        with pytest.raises(Trouble, match="close"):
            server.stop()
        assert {"shutdown", "destroyed"} <= set(world.log)


def test_requests_of_the_user_are_cut_off_at_the_limit_too() -> None:
    app = FastAPI()
    world = World()

    @app.get("/linger")
    async def linger() -> str:
        return await world.desk.linger()

    with (
        serving(world, app=app, settings=ServerSettings(drain_timeout=0.1)) as (server, _),
        ThreadPoolExecutor() as pool,
    ):
        endless = pool.submit(request, server.url, "/linger", x_correlation_id="abc-1")
        world.desk.entered.acquire()
        server.stop()

        assert (endless.result().status, endless.result().headers["x-correlation-id"]) == (504, "abc-1")
    assert world.desk.cancelled.is_set()


def test_a_stream_of_the_user_is_broken_off_at_the_limit() -> None:
    app = FastAPI()
    world = World()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            world.desk.entered.release()
            await asyncio.sleep(60)

        return StreamingResponse(parts())

    with (
        serving(world, app=app, settings=ServerSettings(drain_timeout=0.1)) as (server, _),
        ThreadPoolExecutor() as pool,
    ):
        endless = pool.submit(request, server.url, "/stream")
        world.desk.entered.acquire()
        server.stop()

        assert endless.exception() is not None


def test_clean_up_of_what_is_cut_off_comes_before_the_components_shut_down() -> None:
    app = FastAPI()
    world = World()

    @app.get("/linger")
    async def linger() -> None:
        try:
            await world.desk.linger()
        finally:
            await asyncio.sleep(0.05)
            world.log.append("cleaned up")

    with (
        serving(world, app=app, settings=ServerSettings(drain_timeout=0.1)) as (server, _),
        ThreadPoolExecutor() as pool,
    ):
        pool.submit(request, server.url, "/linger")
        world.desk.entered.acquire()
        server.stop()

    assert world.log[-3:] == ["cleaned up", "shutdown", "destroyed"]


def test_an_application_that_is_used_before_the_start_is_served() -> None:
    server = FastAPIServer("127.0.0.1", 0)

    @server.app.get("/own")
    def own() -> str:
        return "own"

    with server:
        server.boot(World().module())
        assert request(server.url, "/own").json == "own"
        assert request(server.url, "/openapi.json").json["info"]["title"] == "Services"
