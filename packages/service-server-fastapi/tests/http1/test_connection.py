"""Clients that are rude on one connection: what they do harms neither others nor a call that is in work on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from desk import World, serving
from fastapi import FastAPI, Response
from raw_http import TIMEOUT, Connection, envelope, head_of
from ways import OVER_ASGI

from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.http1.connection import ServerConnection

SMALL = ServerSettings(max_header_bytes=1024)
HASTY = ServerSettings(receive_timeout=0.3, keep_alive=0.3)
UPGRADE = {"connection": "upgrade", "upgrade": "h2c"}
EITHER_WAY = pytest.mark.parametrize("way", [{}, OVER_ASGI], ids=["arrived", "over ASGI"])


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPIServer, World]]:
    with serving(settings=SMALL) as (server, world):
        yield server, world


@pytest.fixture
def client(url: str) -> Iterator[Connection]:
    with Connection(url) as connection:
        yield connection


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a connection has ended."""
    event = threading.Event()
    original = ServerConnection.connection_lost

    def reported(self: ServerConnection, exc: Exception | None) -> None:
        original(self, exc)
        event.set()

    monkeypatch.setattr(ServerConnection, "connection_lost", reported)
    return event


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Lets connections end as soon as a call was received; set when uvicorn does not wait for one any more."""
    event = threading.Event()
    original = ServerConnection.data_received

    def received(self: ServerConnection, data: bytes) -> None:
        original(self, data)
        task, known = self._task, cast("set[object]", self._server_state.connections)
        self.connection_lost(None)
        assert task is not None
        assert self in known
        task.add_done_callback(lambda _: None if self in known else event.set())

    monkeypatch.setattr(ServerConnection, "data_received", received)
    return event


def packet(method: str, *args: Any, **headers: Any) -> bytes:
    """A call in one packet."""
    body = envelope(method, *args)
    return head_of(content_length=len(body), **headers) + body


def chunked(method: str, trailers: bytes) -> bytes:
    """A call in one chunk, and what follows the last one."""
    body = envelope(method)
    return head_of(transfer_encoding="chunked") + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers)


def begin(client: Connection, world: World, method: str, **headers: object) -> None:
    """Have a call in work."""
    client.send(packet(method, **headers))
    assert world.desk.entered.acquire(timeout=TIMEOUT)


# the end of a connection


def test_a_call_that_is_cancelled_before_it_begins_keeps_no_connection(
    served: tuple[FastAPIServer, World], left: threading.Event, client: Connection
) -> None:
    client.send(packet("linger"))
    assert left.wait(TIMEOUT)
    assert not served[1].desk.entered.acquire(blocking=False)


# another request in a body


def test_a_large_body_that_looks_like_a_head_stays_a_body() -> None:
    app = FastAPI()
    forged = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil" + bytes(70_000)
    app.add_api_route("/document", lambda: Response(forged))
    with serving(app=app) as (server, _), Connection(server.url) as connection:
        connection.head("GET", "/document")
        assert connection.reply().body == forged


@pytest.mark.parametrize("held_back", [0, 1, 400])
@pytest.mark.parametrize("framing", ["content-length", "transfer-encoding"])
def test_a_request_that_offers_an_upgrade_is_read_with_its_body(
    client: Connection, framing: str, held_back: int
) -> None:
    body = envelope("echo", "a" * 300)
    if framing == "content-length":
        sent = head_of(content_length=len(body), **UPGRADE) + body
    else:
        sent = head_of(transfer_encoding="chunked", **UPGRADE) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    several = sent + packet("echo", "b")
    cut = len(several) - held_back
    client.send(several[:cut])
    client.send(several[cut:])
    assert [client.reply().json["result"] for _ in range(2)] == ["a" * 300, "b"]


@pytest.mark.parametrize("framing", ["content-length", "transfer-encoding"])
def test_the_body_of_an_upgrade_that_is_not_made_is_no_request(client: Connection, world: World, framing: str) -> None:
    hidden = packet("echo", "a")
    reported: dict[str, Any] = {framing: len(hidden) if framing == "content-length" else "chunked"}
    client.send(head_of(**UPGRADE, **reported) + hidden)
    assert client.reply().status == 400
    assert world.desk.runs == []


@pytest.mark.parametrize("upgrade", [UPGRADE, {}])
def test_a_tunnel_is_refused(client: Connection, world: World, upgrade: dict[str, object]) -> None:
    client.head("CONNECT", "test:80", **upgrade)
    assert client.reply().status == 400
    assert client.is_closed()


@pytest.mark.parametrize("length", [None, 0])
def test_an_upgrade_without_a_body_is_not_made(client: Connection, length: int | None) -> None:
    client.head("GET", "/health/live", content_length=length, **UPGRADE)
    assert client.reply().status == 200


# heads behind a call in work


@pytest.mark.parametrize("rest", [b"x: " + b"x" * 2000, b"x: y\r\n" * 400])
def test_a_head_without_an_end_behind_a_call_ends_the_connection(client: Connection, world: World, rest: bytes) -> None:
    begin(client, world, "linger")
    client.send(b"GET / HTTP/1.1\r\n")
    client.send(rest)
    assert client.is_closed()
    assert world.desk.cancelled.wait(TIMEOUT)


def test_a_head_behind_a_call_has_its_time_when_the_call_is_answered() -> None:
    with serving(settings=ServerSettings(receive_timeout=0.2)) as (server, world), Connection(server.url) as client:
        begin(client, world, "block")
        client.send(b"POST /inv")
        world.desk.release.set()
        assert client.reply().json["result"] == "released"
        assert client.reply().status == 408
        assert client.is_closed()


def test_what_is_no_http_behind_a_call_is_not_answered(client: Connection, world: World) -> None:
    begin(client, world, "block")
    client.send(b"garbage\r\n\r\n")
    assert client.is_closed()


def test_what_is_no_http_is_answered_if_nothing_is_in_work(client: Connection) -> None:
    client.send(packet("echo", "a"))
    assert client.reply().status == 200
    client.send(b"garbage\r\n\r\n")
    assert client.reply().status == 400
    assert client.is_closed()


def test_a_body_that_is_no_http_is_answered(client: Connection) -> None:
    client.head(transfer_encoding="chunked")
    client.send(b"none\r\n")
    assert client.reply().status == 400
    assert client.is_closed()


def test_many_requests_may_wait_but_not_more(client: Connection, world: World, url: str) -> None:
    begin(client, world, "block")
    client.send(packet("echo_async", "a") * 100)
    world.desk.release.set()
    assert [client.reply().json["result"] for _ in range(101)] == ["released", *"a" * 100]

    world.desk.forget()
    with Connection(url) as flooding:
        begin(flooding, world, "linger")
        flooding.send(packet("echo_async", "a") * 101)
        assert flooding.is_closed()
    assert world.desk.runs == ["linger"]


@EITHER_WAY
def test_a_hang_up_is_noticed_with_another_request_in_line(url: str, world: World, way: dict[str, object]) -> None:
    with Connection(url) as connection:
        begin(connection, world, "linger", **way)
        connection.send(packet("echo", "a"))
    assert world.desk.cancelled.wait(TIMEOUT)
    assert world.desk.runs == ["linger"]


# what follows a body


@pytest.mark.parametrize("held_back", [0, 1, 30])
def test_what_follows_a_body_is_no_header(client: Connection, held_back: int) -> None:
    sent = chunked("whereabouts_async", b"user-agent: late\r\nx-correlation-id: late\r\n")
    cut = len(sent) - held_back
    client.send(sent[:cut])
    client.send(sent[cut:])
    whereabouts = client.reply().json["result"]
    assert whereabouts["user_agent"] is None
    assert whereabouts["correlation_id"] != "late"


@pytest.mark.parametrize("more", [b"x" * 6, b"x: y\r\n"])
def test_what_follows_a_body_is_limited(client: Connection, world: World, more: bytes) -> None:
    client.send(chunked("echo", b"x: ")[:-2])
    with pytest.raises(ConnectionError):
        client.send(more * 2_000_000)  # far more than fits into the buffers of the system
    assert world.desk.runs == []


# answers that come before the end of a body


def test_the_rest_of_an_unread_body_is_no_head(client: Connection) -> None:
    client.head("POST", "/nothing", content_length=8000)
    assert client.reply().status == 404
    for _ in range(3):
        client.send(b"x" * 2000)
    ask = head_of("GET", "/health/live")
    client.send(b"x" * 2000 + ask[:20])
    client.send(ask[20:])
    assert client.reply().status == 200


def test_an_unread_body_is_not_waited_for_without_limit() -> None:
    with serving(settings=HASTY) as (server, _), Connection(server.url) as client:
        client.head("POST", "/nothing", content_length=100)
        assert client.reply().status == 404
        client.send(b"x")
        assert client.is_closed()


# answers that are not read

LARGE = 16_000_000
"""Bytes that fit into no buffer of the system."""


def ask_for_much(client: Connection, **headers: object) -> None:
    client.send(packet("echo", "a" * 1000, LARGE // 1000, **headers))


@pytest.mark.parametrize("how", ["idle", "close", "half"])
def test_an_answer_that_is_not_read_is_abandoned(how: str, lost: threading.Event) -> None:
    with serving(settings=HASTY) as (server, _), Connection(server.url) as client:
        ask_for_much(client, connection="close" if how == "close" else None)
        if how == "half":
            assert client.socket.recv(1) == b"H"
            client.socket.shutdown(socket.SHUT_WR)
        assert lost.wait(TIMEOUT)


@pytest.mark.parametrize("way", [{}, OVER_ASGI], ids=["fast path", "over ASGI"])
def test_an_answer_that_is_not_read_is_given_up_with_another_request_behind_it(
    way: dict[str, object], lost: threading.Event
) -> None:
    with serving(settings=HASTY) as (server, _), Connection(server.url) as client:
        ask_for_much(client, **way)
        assert client.socket.recv(1) == b"H"
        ask_for_much(client, **way)
        assert lost.wait(TIMEOUT)


def test_an_early_answer_arrives_though_the_client_goes_on_sending() -> None:
    with serving(settings=SMALL) as (server, _), Connection(server.url) as client:
        client.head(content_length=20_000_000)
        for _ in range(20):
            client.send(bytes(50_000))
        assert client.reply().status == 413
        assert client.is_closed()


def test_a_slow_reader_gets_the_whole_answer() -> None:
    settings = ServerSettings(receive_timeout=1.0, keep_alive=0.1)
    with serving(settings=settings) as (server, _), Connection(server.url) as client:
        ask_for_much(client)
        size = 0
        while part := client.socket.recv(400_000, socket.MSG_WAITALL):
            size += len(part)
            time.sleep(0.06)  # in all longer than the limit for a client that reads nothing
        assert size > LARGE


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health/live HTTP/1.1\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.0\r\nhost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\r\nhost:\r\n\r\n", 200),
        (b"GET /health/live HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_a_request_has_exactly_one_host_header_unless_it_is_http_1_0(head: bytes, status: int) -> None:
    with serving() as (server, _), Connection(server.url) as connection:
        connection.send(head)
        assert connection.reply().status == status
