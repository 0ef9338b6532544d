"""Applications behind a connection: what they receive and send, piece by piece, as HTTP/1.1 allows it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from desk import serving, until
from fastapi import FastAPI
from raw_http import TIMEOUT, Connection, head_of
from starlette.routing import Route

from service_core.dispatch import Response
from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.requests.sending import send_answer

Events = list[Any]
SETTINGS = ServerSettings(receive_timeout=0.3, keep_alive=5.0)


class Application:
    """An ASGI application whose behaviour is the path of the request."""

    def __init__(self) -> None:
        self.received: Events = []
        self.sent = 0
        self.ended = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await getattr(self, scope["path"].removeprefix("/app/"))(receive, send)
        finally:
            self.ended.set()

    async def echo(self, receive: Any, send: Any) -> None:
        """Sends each piece of the body as it arrives."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            self.received.append(message["type"])
            more = message.get("more_body", False)
            await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})

    async def early(self, receive: Any, send: Any) -> None:
        """Answers before it has read the body."""
        await send_answer(send, Response(status=200, content_type="text/plain", body=b"early"))
        self.received.append((await receive())["type"])

    async def flood(self, receive: Any, send: Any) -> None:
        """Sends much more than anybody reads."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
            self.sent += 1

    async def raises(self, receive: Any, send: Any) -> None:
        raise LookupError("hunter2")

    async def stops(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})

    async def after(self, receive: Any, send: Any) -> None:
        """Raises after its answer."""
        await send_answer(send, Response(status=200, content_type="text/plain", body=b"fine"))
        await asyncio.sleep(0)
        raise LookupError("later")

    async def waits(self, receive: Any, send: Any) -> None:
        """Reads the body and waits for the client to leave."""
        for _ in range(2):
            self.received.append((await receive())["type"])


Served = tuple[FastAPIServer, Application]


@pytest.fixture
def served() -> Iterator[Served]:
    application = Application()
    app = FastAPI(routes=[Route("/app/{name}", application)])
    with serving(app=app, settings=SETTINGS) as (server, _):
        yield server, application


@pytest.fixture
def client(served: Served) -> Iterator[Connection]:
    with Connection(served[0].url) as connection:
        yield connection


def post(name: str, body: bytes = b"", **headers: object) -> bytes:
    return head_of("POST", f"/app/{name}", content_length=len(body), **headers) + body


def test_both_directions_stream_at_once(client: Connection) -> None:
    client.send(head_of("POST", "/app/echo", transfer_encoding="chunked") + b"3\r\nabc\r\n")
    received = b""
    while b"\r\n\r\n3\r\nabc\r\n" not in received:
        received += client.socket.recv(1000)
    client.send(b"2\r\nde\r\n0\r\n\r\n")
    while not received.endswith(b"0\r\n\r\n"):
        received += client.socket.recv(1000)
    assert b"\r\n2\r\nde\r\n" in received
    client.send(post("echo", b"x"))
    assert client.reply().body == b"x"


def test_a_client_that_waits_for_100_gets_it_when_the_body_is_read(client: Connection) -> None:
    client.head("POST", "/app/echo", content_length=2, expect="100-continue")
    received = b""
    while not received.endswith(b"\r\n\r\n"):  # the application answers before it reads
        received += client.socket.recv(1)
    assert b"200 OK" in received or received == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_client_that_waits_for_100_in_vain_does_not_use_the_connection_again(client: Connection) -> None:
    client.head("POST", "/app/early", content_length=2, expect="100-continue")
    assert client.reply().body == b"early"
    assert client.is_closed()


def test_a_body_that_was_not_read_is_skipped(client: Connection) -> None:
    client.send(post("early", b"x" * 200_000) + post("echo", b"next"))
    assert [client.reply().body for _ in range(2)] == [b"early", b"next"]


def test_an_application_that_raises_is_answered_for_without_its_message(
    client: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    client.send(post("raises"))
    reply = client.reply()
    assert (reply.status, reply.body) == (500, b"Internal Server Error")
    until(lambda: "LookupError: hunter2" in caplog.text)


def test_an_answer_that_stays_incomplete_ends_the_connection(
    client: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    client.send(post("stops"))
    received = b""
    while part := client.socket.recv(1000):
        received += part
    assert received.endswith(b"\r\n\r\nab")
    assert "returned without a whole answer" in caplog.text


def test_an_error_after_the_answer_harms_no_later_request(client: Connection, caplog: pytest.LogCaptureFixture) -> None:
    client.send(post("after") + post("echo", b"next"))
    assert [client.reply().body for _ in range(2)] == [b"fine", b"next"]
    until(lambda: "LookupError: later" in caplog.text)


def test_an_application_is_notified_that_the_client_has_disconnected(served: Served) -> None:
    with Connection(served[0].url) as client:
        client.send(post("waits", b"x"))
        until(lambda: served[1].received == ["http.request"])
    assert served[1].ended.wait(TIMEOUT)
    assert served[1].received == ["http.request", "http.disconnect"]


def test_a_client_that_does_not_read_slows_the_application_and_is_dropped(served: Served) -> None:
    with Connection(served[0].url) as client:
        client.send(post("flood"))
        until(lambda: served[1].sent > 0)
        assert served[1].ended.wait(TIMEOUT)  # since nothing is sent to a lost connection
        assert served[1].sent == 10_000
        received = 0
        with contextlib.suppress(ConnectionError):
            while part := client.socket.recv(1_000_000):
                received += len(part)
    assert received < 100_000_000


def test_a_body_that_the_application_waits_for_has_its_time(client: Connection) -> None:
    client.head("POST", "/app/waits", content_length=2)
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (408, "close")


def test_a_large_body_waits_until_the_application_reads(served: Served, client: Connection) -> None:
    body = bytes(range(256)) * 20_000
    client.send(post("echo", body))
    assert client.reply().body == body


@pytest.mark.parametrize("status", [201, 204])
async def test_an_answer_is_the_same_over_asgi(status: int) -> None:
    sent: Events = []

    async def send(message: Any) -> None:
        sent.append(message)

    await send_answer(send, Response(status=status, content_type="a/b", body=b"", headers=(("x-y", "z"),)))
    start, body = sent
    expected = [(b"content-length", b"0")] if status == 201 else []
    assert start == {"type": "http.response.start", "status": status, "headers": [*expected, (b"x-y", b"z")]}
    assert body["body"] == b""


def test_nothing_is_logged_for_requests_that_succeed(client: Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.server")
    caplog.clear()
    client.send(post("echo", b"x"))
    assert client.reply().status == 200
    assert caplog.records == []
