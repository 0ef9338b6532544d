"""The server on each event loop that uvicorn chooses: uvloop, and asyncio's own where that is not installed."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from desk import World, until
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from raw_http import TIMEOUT, Connection, call, envelope, head_of, request
from websockets.sync.client import connect

from service_server_fastapi import FastAPIServer, RequestContext, ServerSettings

SETTINGS = ServerSettings(receive_timeout=TIMEOUT, drain_timeout=TIMEOUT)


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/loop")
    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    @app.post("/parts")
    async def parts(request: Request) -> StreamingResponse:
        arrived = [part async for part in request.stream()]

        async def back() -> AsyncIterator[bytes]:
            for part in arrived:
                yield part.upper()

        return StreamingResponse(back())

    @app.websocket("/ws")
    async def shout(ws: WebSocket) -> None:
        await ws.accept()
        await ws.send_text((await ws.receive_text()).upper())
        await ws.close()

    return app


Served = tuple[FastAPIServer, World]


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    world = World()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "asyncio":
            patch.setitem(sys.modules, "uvloop", None)
        with FastAPIServer("127.0.0.1", 0, application(), settings=SETTINGS) as server:
            server.boot(world.module())
            assert request.param in request_loop(server)
            yield server, world
            world.desk.release.set()


def request_loop(server: FastAPIServer) -> str:
    loop: str = request(server.url, "/loop").json
    return loop


@pytest.fixture
def url(served: Served) -> str:
    served[1].desk.forget()
    return served[0].url


def test_calls_on_one_connection_are_answered_in_turn(url: str) -> None:
    bodies = [envelope("echo", text) for text in ("a", "b", "c")]
    with Connection(url) as connection:
        connection.send(b"".join(head_of(content_length=len(body)) + body for body in bodies))
        assert [connection.reply().json["result"] for _ in bodies] == ["a", "b", "c"]


def test_what_is_large_is_read_and_written(url: str) -> None:
    text = "ä" * 1_000_000
    assert call(url, "echo", text).json["result"] == text
    assert len(call(url, "echo", text, 6).json["result"]) == 6_000_000


def test_a_request_is_read_byte_by_byte(url: str) -> None:
    body = envelope("echo", "a")
    with Connection(url) as connection:
        for byte in head_of(content_length=len(body)) + body:
            connection.send(bytes([byte]))
        assert connection.reply().json["result"] == "a"


def test_parts_are_streamed_both_ways(url: str) -> None:
    with Connection(url) as connection:
        connection.head("POST", "/parts", transfer_encoding="chunked")
        for part in (b"one", b"two"):
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        assert connection.reply().body == b"ONETWO"


def test_a_websocket_is_served(url: str) -> None:
    with connect(url.replace("http", "ws") + "/ws") as ws:
        ws.send("a")
        assert ws.recv(TIMEOUT) == "A"


def test_a_call_is_cancelled_when_its_caller_disconnects(served: Served, url: str) -> None:
    desk = served[1].desk
    body = envelope("linger")
    with Connection(url) as connection:
        connection.send(head_of(content_length=len(body)) + body)
        assert desk.entered.acquire(timeout=TIMEOUT)
    assert desk.cancelled.wait(TIMEOUT)


def test_a_client_that_sends_no_more_has_disconnected(served: Served, url: str) -> None:
    body = envelope("linger")
    with Connection(url) as connection:
        connection.send(head_of(content_length=len(body)) + body)
        assert served[1].desk.entered.acquire(timeout=TIMEOUT)
        connection.socket.shutdown(socket.SHUT_WR)
        assert served[1].desk.cancelled.wait(TIMEOUT)


def test_bytes_that_are_no_request_are_answered_and_end_the_connection(url: str) -> None:
    with Connection(url) as connection:
        connection.send(b"garbage\r\n\r\n")
        assert connection.reply().status == 400
        assert connection.is_closed()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_stop_finishes_the_calls_in_flight(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    world = World()
    server = FastAPIServer("127.0.0.1", 0, settings=SETTINGS)
    server.boot(world.module())
    with Connection(server.url) as idle, Connection(server.url) as connection:
        idle.head("GET", "/health/live", content_type=None)
        assert idle.reply().status == 200
        body = envelope("block")
        connection.send(head_of(content_length=len(body)) + body)
        assert world.desk.entered.acquire(timeout=TIMEOUT)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: not server.is_ready)
        world.desk.release.set()
        assert connection.reply().json["result"] == "released"
        assert connection.is_closed()
        assert idle.is_closed()
        stopping.join(TIMEOUT)
    assert not stopping.is_alive()


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_unix_socket_and_its_peer_are_known(loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    world, peers = World(), list[object]()
    world.desk.tell = lambda _: peers.append(RequestContext.get_peer())
    world.desk.release.set()
    with FastAPIServer(uds=tmp_path / "a.sock") as server:
        server.boot(world.module())
        assert call(server.url, "block").json["result"] == "released"
    assert peers != [None]
    assert list(tmp_path.iterdir()) == []
