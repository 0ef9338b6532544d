"""Requests of several callers on one connection, as a proxy sends them: nothing of one is there for the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import archive
import pytest
from desk import World, serving
from fastapi import Depends, FastAPI
from keeper import SECRET, Keeper
from raw_http import TIMEOUT, Connection, envelope
from starlette.middleware.base import BaseHTTPMiddleware
from ways import WAYS, Way

from service_core import current_context, current_principal

secret = ContextVar("secret", default="nothing")


async def dependency() -> None: ...


def head(method: str, path: str, length: int = 0, token: str = "") -> bytes:
    bearer = f"authorization: Bearer {token}\r\n" if token else ""
    return (
        f"{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{bearer}"
        f"content-length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("dependencies", [[], [Depends(dependency)]], ids=["directly", "through FastAPI"])
@pytest.mark.parametrize("padding", [0, 300_000], ids=["in one packet", "in several"])
def test_a_principal_is_not_there_for_the_next(dependencies: list[Any], padding: int) -> None:
    app = FastAPI(dependencies=dependencies)

    @app.get("/mine")
    async def mine() -> list[Any]:
        return [current_principal(), current_context().token, current_context().deadline]

    title = b'"' + b"b" * padding + b'"'
    with archive.serving(app, verifier=Keeper()) as served, Connection(served.url) as connection:
        connection.send(head("PATCH", "/archive/records/a", len(title), SECRET) + title + head("GET", "/mine"))
        assert connection.reply().status == 200
        assert connection.reply().json == [None, None, None]
        connection.send(head("GET", "/mine"))
        assert connection.reply().json == [None, None, None]


@WAYS
def test_a_context_variable_is_not_there_for_the_next(way: Way) -> None:
    world = World()

    async def echo(text: str) -> str:
        seen = secret.get()
        secret.set(text)
        return seen

    world.desk.echo_async = echo  # type: ignore[method-assign]
    with serving(world, app=way()) as (server, _), Connection(server.url) as connection:
        bodies = [envelope("echo_async", name) for name in ("alice", "bob", "carol")]
        connection.send(b"".join(head("POST", "/invoke", len(body)) + body for body in bodies))
        assert [connection.reply().json["result"] for _ in bodies] == ["nothing"] * 3


def test_what_comes_after_the_answer_is_not_cancelled() -> None:
    done: list[str] = []

    async def session() -> AsyncIterator[None]:
        yield
        try:
            await asyncio.sleep(0.3)  # longer than anybody looks away
            done.append("committed")
        except asyncio.CancelledError:
            done.append("cancelled")
            raise

    with archive.serving(FastAPI(dependencies=[Depends(session)])) as served, Connection(served.url) as connection:
        connection.send(head("GET", "/archive/records/a"))
        assert connection.reply().status == 200
    assert done == ["committed"]


async def pass_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


def test_a_middleware_sees_the_answer_to_a_disconnected_caller(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    body = envelope("linger")
    with serving(app=app) as (server, world):
        with Connection(server.url) as connection:
            connection.send(head("POST", "/invoke", len(body)) + body)
            assert world.desk.entered.acquire(timeout=TIMEOUT)
        assert world.desk.cancelled.wait(TIMEOUT)
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


@WAYS
def test_two_tokens_are_none(way: Way) -> None:
    twice = f"authorization: Bearer {SECRET}\r\nauthorization: Bearer {SECRET}\r\n".encode()
    body = envelope("echo", "a")
    with serving(app=way(), verifier=Keeper()) as (server, world), Connection(server.url) as connection:
        sent = head("POST", "/invoke", len(body)) + body
        connection.send(sent.replace(b"host: test\r\n", b"host: test\r\n" + twice))
        assert connection.reply().error["message"] == "there are two Authorization headers"
        assert world.desk.runs == []


@WAYS
def test_a_token_is_required_before_arguments_are_read(way: Way) -> None:
    with archive.serving(way(), verifier=Keeper()) as served, Connection(served.url) as connection:
        for wrong in (b"{}", b"[", b'{"theTitle": ""}'):
            connection.send(head("POST", "/archive/records", len(wrong)) + wrong)
            reply = connection.reply()
            assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
            if "connection" in reply.headers:
                break


def test_a_head_that_comes_at_once_is_limited_too() -> None:
    with serving() as (server, world), Connection(server.url) as connection:
        body = envelope("echo", "a")
        long = b"x-long: " + b"a" * 110_000 + b"\r\n"
        connection.send(head("POST", "/invoke", len(body)).replace(b"host: test\r\n", b"host: test\r\n" + long) + body)
        assert connection.reply().status == 431
        assert world.desk.runs == []
