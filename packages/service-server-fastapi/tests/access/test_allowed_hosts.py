"""By which names a server may be called."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from desk import World, serving
from fastapi import FastAPI
from raw_http import Connection, call, envelope, request

from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.access.allowed_hosts import AllowedHosts

NAMES = ("orders.example.org", "*.Internal")


def scope(*hosts: str) -> dict[str, Any]:
    return {"headers": [(b"accept", b"*/*"), *((b"host", host.encode()) for host in hosts)]}


@pytest.mark.parametrize(
    "host",
    [
        "orders.example.org",
        "ORDERS.example.org.:8000",
        "a.internal",
        "a.b.internal:1",
        "localhost:8000",
        "127.0.0.1",
        "10.1.2.3:8000",
        "[::1]:8000",
        "[fe80::1]",
    ],
)
def test_a_name_on_the_list_an_address_and_localhost_are_good(host: str) -> None:
    assert AllowedHosts(NAMES).allow(scope(host))


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("example.org",),
        ("evil-orders.example.org",),
        ("orders.example.org.evil.net",),
        ("internal",),
        ("evilinternal",),
        ("127.0.0.1.evil.net",),
        ("127.0.0.1@evil.net",),
        ("*.internal",),
        ("[::1]evil.net",),
        ("[evil.net]",),
        ("localhost:80@evil.net",),
        ("orders.example.org", "orders.example.org"),
    ],
)
def test_other_names_are_not(hosts: tuple[str, ...]) -> None:
    assert not AllowedHosts(NAMES).allow(scope(*hosts))


def test_without_a_list_every_name_is_good() -> None:
    assert AllowedHosts(()).allow(scope("evil.net"))
    assert AllowedHosts(()).allow(scope())


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPIServer, World]]:
    app = FastAPI()

    @app.get("/own")
    def own() -> str:
        return "reached"

    with serving(app=app, settings=ServerSettings(allowed_hosts=NAMES)) as (server, world):
        yield server, world


def test_a_call_by_another_name_is_not_run(served: tuple[FastAPIServer, World]) -> None:
    server, world = served
    reply = call(server.url, "echo", "a", host="evil.net")

    assert (reply.status, reply.headers["connection"]) == (421, "close")
    assert reply.error["code"] == "permission_denied"
    assert "the setting allowed_hosts (SERVICE_SERVER_ALLOWED_HOSTS)" in reply.error["message"]
    assert world.desk.runs == []
    assert call(server.url, "echo", "a", host="orders.example.org").json["result"] == "a"


def test_neither_are_the_applications_own_routes_and_health(served: tuple[FastAPIServer, World]) -> None:
    server, _ = served
    for path in ("/own", "/health/live", "/docs"):
        reply = request(server.url, path, host="evil.net")
        assert (reply.status, reply.headers["content-type"]) == (421, "application/problem+json")
        assert request(server.url, path, host="127.0.0.1:8000").status == 200


def test_a_websocket_by_another_name_is_refused(served: tuple[FastAPIServer, World]) -> None:
    server, _ = served
    with Connection(server.url) as connection:
        connection.head(
            "GET",
            "/own",
            host="evil.net",
            connection="upgrade",
            upgrade="websocket",
            sec_websocket_version=13,
            sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
        )
        assert connection.reply().status == 403


def test_the_list_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_ALLOWED_HOSTS", "orders.example.org, *.internal")
    assert ServerSettings().allowed_hosts == ("orders.example.org", "*.internal")


@pytest.mark.parametrize("name", ["*", "", "https://orders.example.org", "*example.org", "orders:80", "a..b", "[::1]"])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{re.escape(name)}' is no name of a host; write one such as 'orders.exam"):
        ServerSettings(allowed_hosts=(name,))


def test_a_request_that_names_no_server_is_refused(served: tuple[FastAPIServer, World]) -> None:
    server, _ = served
    with Connection(server.url) as connection:
        body = envelope("echo", "a")
        connection.send(b"POST /invoke HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert connection.reply().status == 421


def test_what_is_refused_for_its_name_is_counted_with_all_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.server")
    with serving(settings=ServerSettings(allowed_hosts=NAMES, max_body_bytes=10)) as (server, _):
        assert call(server.url, "echo", "a", host="evil.net").status == 421
        assert call(server.url, "echo", "a", host="localhost").status == 413

    reported = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert reported == ["requests were refused: 1 with 421 (the level DEBUG shows each)"]
