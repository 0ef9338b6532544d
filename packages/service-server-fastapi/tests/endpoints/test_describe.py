"""The description of a running server, and who gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from desk import World, serving
from raw_http import Reply, request

from service_core import InvalidTokenException
from service_core.describing import OfferedChannel, read_description
from service_server_fastapi import FastAPIServer, ServerSettings


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPIServer, World]]:
    with serving() as pair:
        yield pair


def described(url: str, **headers: Any) -> Reply:
    return request(url, "/describe", **{"host": "localhost", **headers})


def test_it_describes_the_hosted_services_and_their_addresses(url: str) -> None:
    description = read_description(described(url).body)

    (component,) = description.components
    assert (component.name, component.channels) == ("desk-component", (OfferedChannel(name="dispatch-json", url=url),))
    signatures = {method.name: method.signature for _, _, method in description.methods()}
    assert signatures["echo"] == "def echo(self, text: str, *, times: int = 1) -> str"
    assert signatures["sell"] == "def sell(self, ticket: Ticket) -> Ticket"


def test_two_requests_get_the_same_document(url: str) -> None:
    assert described(url).body == described(url).body


def test_it_is_read_with_get_and_not_cached(url: str) -> None:
    assert described(url).headers["cache-control"] == "no-store"
    assert request(url, "/describe", method="POST", host="localhost").status == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "orders.example.org"},
        {"host": "10.0.0.7:8000"},
        {"x_forwarded_for": "127.0.0.1"},
        {"x_forwarded_proto": "http"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 gateway"},
        {"x_real_ip": "127.0.0.1"},
    ],
)
def test_a_request_that_may_come_from_elsewhere_is_refused_with_the_setting(
    url: str, headers: Mapping[str, str]
) -> None:
    reply = described(url, **headers)

    assert reply.status == 403
    assert reply.json["code"] == "permission_denied"
    assert "SERVICE_SERVER_DESCRIBE=true" in reply.json["detail"]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "127.0.0.9:1", "[::1]:8000", "LocalHost"])
def test_a_loopback_host_is_answered(url: str, host: str) -> None:
    assert described(url, host=host).status == 200


def test_every_caller_is_answered_where_the_setting_is_on() -> None:
    with serving(settings=ServerSettings(describe=True)) as (server, _):
        assert described(server.url, host="orders.example.org", x_forwarded_for="10.0.0.7").status == 200


def test_there_is_no_such_path_where_the_setting_is_off() -> None:
    with serving(settings=ServerSettings(describe=False)) as (server, _):
        assert described(server.url).status == 404


class Verifier:
    async def verify(self, token: str) -> str:
        if token != "good":
            raise InvalidTokenException("no")
        return "somebody"


def test_a_caller_needs_a_token_where_calls_need_one() -> None:
    with serving(verifier=Verifier()) as (server, _):
        missing, wrong, good = (
            described(server.url),
            described(server.url, authorization="Bearer bad"),
            described(server.url, authorization="Bearer good"),
        )

    assert (missing.status, missing.headers["www-authenticate"]) == (401, "Bearer")
    assert (wrong.status, good.status) == (401, 200)


def test_a_description_runs_no_method(url: str, world: World) -> None:
    described(url)

    assert world.desk.runs == []
