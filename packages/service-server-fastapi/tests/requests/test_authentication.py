"""Who may call: one verifier for calls and REST, whatever way a request takes through the server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import archive
import pytest
from desk import World, serving
from keeper import SECRET, Keeper
from raw_http import Connection, Reply, call, request
from ways import WAYS, Way

from service_core import DeclarationException
from service_core.di import create, module
from service_server_fastapi import FastAPIServer

NOT_ACCEPTED = 'Bearer error="invalid_token", error_description="the token is not accepted"'
EXPIRED = 'Bearer error="invalid_token", error_description="the token is expired"'


@pytest.fixture(scope="module")
def served(way: Way) -> Iterator[tuple[FastAPIServer, World]]:
    with serving(app=way(), verifier=Keeper()) as (server, world):
        yield server, world


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@WAYS
@pytest.mark.parametrize("method", ["whereabouts", "whereabouts_async"])
def test_the_implementation_can_read_the_principal(url: str, method: str) -> None:
    assert call(url, method, **bearer(SECRET)).json["result"]["principal"] == "ann"


@WAYS
@pytest.mark.parametrize(
    ("token", "error", "challenge"),
    [
        (None, "MissingTokenException", "Bearer"),
        (
            "unknown",
            "InvalidTokenException",
            NOT_ACCEPTED,
        ),
        (
            "nobody",
            "InvalidTokenException",
            NOT_ACCEPTED,
        ),
        ("old", "TokenExpiredException", EXPIRED),
        ("late", "TokenExpiredException", EXPIRED),
    ],
)
def test_a_caller_without_a_valid_token_is_refused(
    url: str, world: World, token: str | None, error: str, challenge: str
) -> None:
    reply = call(url, "echo", "a", **({} if token is None else bearer(token)))

    assert (reply.status, reply.error["type"], reply.error["code"]) == (401, error, "unauthenticated")
    assert reply.headers["www-authenticate"] == challenge
    assert reply.error["correlation_id"]
    assert token is None or token not in reply.body.decode()
    assert world.desk.runs == []


@WAYS
def test_what_is_declared_for_anybody_needs_no_token(url: str) -> None:
    assert call(url, "whereabouts").json["result"]["principal"] is None
    assert call(url, "whereabouts", **bearer("unknown")).status == 401


@WAYS
def test_a_stranger_does_not_learn_which_methods_there_are(url: str) -> None:
    assert [call(url, method).status for method in ("echo", "unheard_of", "__class__")] == [401, 401, 401]
    assert call(url, "unheard_of", **bearer(SECRET)).status == 404


@WAYS
@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("broken", "ConnectionError"),
        ("exit", "SystemExit"),
        ("cancelled", "CancelledError"),
        ("good", "TypeError"),  # a verifier that says whether, not who
    ],
)
def test_a_verifier_that_fails_accepts_no_caller(
    url: str, world: World, caplog: pytest.LogCaptureFixture, token: str, error: str
) -> None:
    reply = call(url, "echo", "a", x_correlation_id="abc-1", **bearer(token))

    assert (reply.status, reply.error["type"], reply.error["message"]) == (500, error, "")
    assert world.desk.runs == []
    record = next(record for record in caplog.records if record.name == "service.dispatch")
    assert record.getMessage() == f"the token verifier raised {error} (correlation id abc-1)"
    assert record.exc_info is not None


@WAYS
def test_a_verifier_has_the_time_of_the_call(url: str, world: World) -> None:
    reply = call(url, "echo", "a", x_deadline_ms=50, **bearer("slow"))

    assert (reply.status, reply.error["code"]) == (504, "deadline_exceeded")
    assert world.desk.runs == []


@WAYS
def test_health_needs_no_token(url: str) -> None:
    assert request(url, "/health/ready").status == 200
    assert request(url, "/health/desk").status == 200


@WAYS
def test_tokens_and_arguments_are_not_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method, arguments in (
        ("echo", ("hunter2",)),
        ("fail", ("hunter2",)),
        ("unknown", ("hunter2",)),
        ("echo", ({"a": "hunter2"},)),
    ):
        call(url, method, *arguments, **bearer(SECRET))
        call(url, method, *arguments)
    with Connection(url) as connection:
        connection.head(content_length=20_000_000_000, **bearer(SECRET))
        assert connection.reply().status == 413

    reported = caplog.text
    assert "service.dispatch" in reported
    assert SECRET not in reported
    assert "hunter2" not in reported.replace(
        "KeyError: 'hunter2'", ""
    )  # an error of the implementation is logged in full


def test_a_container_can_make_the_verifier() -> None:
    @module()
    class KeeperModule:
        @create()
        def create_keeper(self) -> Keeper:
            return Keeper()

    with serving(imports=[KeeperModule], verifier=Keeper) as (server, _):
        assert call(server.url, "echo", "a").status == 401
        assert call(server.url, "echo", "a", **bearer(SECRET)).status == 200


@pytest.fixture(scope="module")
def records(way: Way) -> Iterator[archive.Served]:
    with archive.serving(way(), verifier=Keeper()) as served:
        yield served


def renamed(records: archive.Served, **headers: object) -> Reply:
    body = b'"b"'
    kind = "application/json"
    return request(records.url, "/archive/records/a", method="PATCH", body=body, content_type=kind, **headers)


@WAYS
def test_rest_is_guarded_in_the_same_way(records: archive.Served) -> None:
    assert renamed(records, **bearer(SECRET)).status == 200
    for token, status in ((None, 401), ("unknown", 401), ("old", 401), ("broken", 500)):
        reply = renamed(records, **({} if token is None else bearer(token)))
        assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
        assert ("www-authenticate" in reply.headers) == (status == 401)


@WAYS
def test_the_body_of_a_stranger_is_not_read(records: archive.Served) -> None:
    with Connection(records.url) as connection:
        connection.head("POST", "/archive/records", content_length=1_000_000)
        reply = connection.reply()
        assert (reply.status, reply.headers["connection"]) == (401, "close")
        assert connection.is_closed()
    with Connection(records.url) as connection:
        # No method may be called without a token there, so not even the name of the method is of interest.
        connection.head("POST", "/invoke", content_length=1_000_000)
        assert connection.reply().status == 401


def test_openapi_says_what_needs_a_token() -> None:
    with archive.serving(verifier=Keeper()) as records:
        schema = request(records.url, "/openapi.json").json
    assert schema["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    operation = schema["paths"]["/archive/records"]["get"]
    assert operation["security"] == [{"bearer": []}]
    assert list(operation["responses"]["401"]["content"]) == ["application/problem+json"]

    with archive.serving() as records:
        schema = request(records.url, "/openapi.json").json
    assert "security" not in schema["paths"]["/archive/records"]["get"]


class Sleepy:
    def verify(self, token: str) -> str:
        return token


@pytest.mark.parametrize("verifier", [Sleepy(), lambda token: token, object()])
def test_what_is_no_verifier_is_refused_at_boot(verifier: Any) -> None:
    wrong = pytest.raises(DeclarationException, match="is no token verifier; pass an object with 'async def verify")
    with wrong, serving(verifier=verifier):
        pass
