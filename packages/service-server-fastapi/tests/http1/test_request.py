"""Requests that have arrived whole: answered at once, and just as on the other ways."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import archive
import msgpack
import pytest
from desk import INVOKE, World, serving
from raw_http import TIMEOUT, Connection, Reply, call, envelope, head_of, request
from ways import OVER_ASGI, directly, through_fastapi

from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.endpoints.invoke import InvokeEndpoint

LIMITS = ServerSettings(max_body_bytes=1000, worker_threads=4)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPIServer, World]]:
    with serving(app=directly(), settings=LIMITS) as (server, world):
        yield server, world


@pytest.fixture(scope="module")
def layered() -> Iterator[str]:
    with serving(app=through_fastapi(), settings=LIMITS) as (server, _):
        yield server.url


@pytest.fixture
def asgi(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the requests that have reached the endpoint over ASGI."""
    seen: list[str] = []
    original = InvokeEndpoint.__call__

    async def watched(self: InvokeEndpoint, scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["method"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(InvokeEndpoint, "__call__", watched)
    return seen


def packet(method: str, *args: Any, **headers: Any) -> bytes:
    """A call in one packet."""
    body = envelope(method, *args)
    return head_of(content_length=len(body), **headers) + body


MSGPACK: bytes = msgpack.Packer().pack({"method": f"{INVOKE}echo", "args": ["a"]})
CHUNKED = b"1\r\n{\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("POST", envelope("echo", "a"), {}),
        ("POST", envelope("echo", "a"), {"version": "1.0"}),
        ("POST", envelope("echo", "a"), {"version": "1.0", "connection": "keep-alive"}),
        ("POST", envelope("echo", "a"), {"connection": "close"}),
        ("POST", envelope("echo", "a"), {"connection": "Upgrade", "upgrade": "h2c"}),
        ("POST", envelope("echo", "a"), {"content_type": "application/json; charset=utf-8"}),
        ("POST", envelope("echo", "a"), {"content_type": "text/plain"}),
        ("POST", envelope("echo", "a"), {"content_type": None}),
        ("POST", envelope("echo", "a"), {"x_deadline_ms": 0}),
        ("POST", envelope("echo", "a"), {"expect": "100-continue"}),
        ("POST", envelope("echo", 1), {}),
        ("POST", envelope("echo_async", "ä" * 300), {}),
        ("POST", envelope("sell", {"number": 13}), {}),
        ("POST", envelope("fail", "secret"), {}),
        ("POST", envelope("fail_async", "cancelled"), {}),
        ("POST", envelope("fail", "expired"), {}),
        ("POST", envelope("unlisted"), {}),
        ("POST", MSGPACK, {"content_type": "application/msgpack"}),
        ("POST", MSGPACK[:-1], {"content_type": "application/msgpack"}),
        ("POST", CHUNKED, {"content_length": None, "transfer_encoding": "chunked"}),
        ("POST", b"", {}),
        ("POST", envelope("echo", "a" * 1000), {}),
        ("GET", b"", {}),
        ("HEAD", b"", {}),
        ("PUT", envelope("echo", "a"), {}),
    ],
)
def test_all_ways_answer_alike(url: str, layered: str, method: str, body: bytes, headers: dict[str, Any]) -> None:
    reported: list[Any] = []
    for target, more in ((url, {}), (url, OVER_ASGI), (layered, {})):
        with Connection(target) as connection:
            sent = {"x_correlation_id": "c-1", "content_length": len(body), **headers, **more}
            version = sent.pop("version", "1.1").encode()
            connection.send(head_of(method, **sent).replace(b"1.1", version, 1) + body)
            reply = connection.reply(method)
            stays = reply.headers.get("connection") != "close" and _serves_another(connection)
            reported.append((_without_date(reply), stays))
    assert reported[0] == reported[1] == reported[2]


def _serves_another(connection: Connection) -> bool:
    connection.send(packet("echo", "again"))
    return bool(connection.reply().json["result"] == "again")


def _without_date(reply: Reply) -> tuple[int, list[tuple[str, str]], bytes]:
    return reply.status, [header for header in reply.headers.items() if header[0] != "date"], reply.body


def test_a_call_in_one_packet_needs_no_asgi(url: str, asgi: list[str]) -> None:
    assert call(url, "echo", "a").status == 200
    body = envelope("echo", "b")
    with Connection(url) as connection:
        connection.send(head_of(transfer_encoding="chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert connection.reply().json["result"] == "b"
    assert asgi == []


def test_all_others_do(url: str, asgi: list[str]) -> None:
    assert call(url, "echo", "a", **OVER_ASGI).status == 200
    assert call(url, "echo", "a", x_forwarded_for="192.0.2.1").status == 200
    assert request(url, "/invoke").status == 405
    assert call(url, "echo", "a" * 1000).status == 413
    assert asgi == ["POST", "POST", "GET", "POST"]


def test_a_body_that_comes_later_is_waited_for(url: str, asgi: list[str]) -> None:
    body = envelope("echo", "a")
    with Connection(url) as connection:
        connection.head(content_length=len(body), expect="100-continue")
        assert connection.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.reply().json["result"] == "a"
    assert asgi == ["POST"]


def test_requests_in_one_packet_are_answered_in_their_order_whatever_way_they_take(url: str, world: World) -> None:
    with Connection(url) as connection:
        several = [packet("block"), head_of("GET", "/health/live"), packet("echo", "b"), packet("echo", "c")]
        connection.send(b"".join(several) + packet("echo", "d")[:-1])
        assert world.desk.entered.acquire(timeout=TIMEOUT)
        assert world.desk.runs == ["block"]

        world.desk.release.set()

        results = [connection.reply().json.get("result") for _ in several]
        assert results == ["released", None, "b", "c"]
        connection.send(b"}")
        assert connection.reply().json["result"] == "d"


def test_the_rest_of_the_last_of_several_requests_is_not_waited_for_for_ever() -> None:
    with serving(settings=ServerSettings(receive_timeout=0.2)) as (server, world), Connection(server.url) as connection:
        connection.send(packet("block") + packet("echo", "a")[:-1])
        assert world.desk.entered.acquire(timeout=TIMEOUT)
        world.desk.release.set()
        assert connection.reply().json["result"] == "released"
        assert connection.reply().status == 408
        assert connection.is_closed()


def test_the_last_of_several_requests_may_close_the_connection(url: str, world: World) -> None:
    with Connection(url) as connection:
        connection.send(packet("echo", "a") + packet("echo", "b", connection="close") + packet("echo", "c"))
        assert [connection.reply().json["result"] for _ in range(2)] == ["a", "b"]
        assert connection.is_closed()
    assert world.desk.runs == ["echo", "echo"]


def test_a_call_ends_with_its_connection(url: str, world: World) -> None:
    with Connection(url) as connection:
        connection.send(packet("linger"))
        assert world.desk.entered.acquire(timeout=TIMEOUT)
    assert world.desk.cancelled.wait(TIMEOUT)
    assert call(url, "echo", "a").json["result"] == "a"


def test_a_connection_that_is_reset_affects_no_other(url: str, world: World) -> None:
    for _ in range(3):
        with Connection(url) as connection:
            connection.send(packet("linger"))
            assert world.desk.entered.acquire(timeout=TIMEOUT)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert world.desk.cancelled.wait(TIMEOUT)
        world.desk.cancelled.clear()
    assert call(url, "echo", "a").status == 200


def test_a_client_that_does_not_read_is_not_answered_for_ever() -> None:
    many, size = 64, 1_000_000
    with serving() as (server, world), Connection(server.url) as lazy:
        lazy.send(packet("echo", "a", size) * many)
        ran = 0
        while ran < (ran := world.desk.runs.count("echo")) or ran == 0:
            for _ in range(20):  # meanwhile
                assert call(server.url, "echo_async", "b").status == 200
        assert ran < many
        assert [len(lazy.reply().json["result"]) for _ in range(many)] == [size] * many


def test_rest_requests_are_answered_at_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def seen(*_: object) -> None:
        raise AssertionError("it went over ASGI")

    with archive.serving() as records:
        monkeypatch.setattr("service_server_fastapi.rest.fast_path._FastRoute.__call__", seen)
        assert request(records.url, "/archive/records/a%2Fb/pages/3").json == "/archive/records/a/b/pages/3"
        assert request(records.url, "/archive/records/a", method="DELETE").status == 204
        assert request(records.url, "/archive/records", x_forwarded_proto="http").status == 500
