"""The endpoint as an ASGI application, spoken to in ASGI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from service_core.errors import LocalServiceException
from service_health import HealthCheckManager, HealthStatus
from service_health.endpoint import HealthEndpoint


class Answer:
    """What an application sent."""

    def __init__(self, messages: list[Mapping[str, Any]]) -> None:
        start, body = messages
        self.status: int = start["status"]
        self.headers: dict[bytes, bytes] = dict(start["headers"])
        self.body: bytes = body["body"]


async def speak(application: HealthEndpoint, **scope: Any) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


async def ask(application: HealthEndpoint, method: str = "GET") -> Answer:
    return Answer(await speak(application, type="http", method=method, path="/health"))


def manager_with(status: HealthStatus) -> HealthCheckManager:
    manager = HealthCheckManager()
    manager.add_check(lambda result: result.set_status(status, "10.0.0.7:5432"), name="db")
    manager.add_check(lambda result: None, name="loop", group="liveness")
    return manager


@pytest.mark.parametrize(
    ("status", "code"), [(HealthStatus.OK, 200), (HealthStatus.WARNING, 429), (HealthStatus.ERROR, 503)]
)
async def test_the_status_code_is_that_of_the_health(status: HealthStatus, code: int) -> None:
    answer = await ask(manager_with(status).asgi())

    assert answer.status == code
    assert json.loads(answer.body)["status"] == status.name


async def test_a_stranger_reads_no_details() -> None:
    answer = await ask(manager_with(HealthStatus.ERROR).asgi())

    reported = json.loads(answer.body)["checks"]
    assert [set(check) for check in reported] == [{"name", "status", "duration", "age"}] * 2
    assert b"10.0.0.7" not in answer.body


async def test_details_are_sent_on_request() -> None:
    answer = await ask(manager_with(HealthStatus.ERROR).asgi(details=True))

    assert json.loads(answer.body)["checks"][0]["details"] == "10.0.0.7:5432"


async def test_an_endpoint_of_a_group_runs_that_group_only() -> None:
    answer = await ask(manager_with(HealthStatus.ERROR).asgi("liveness"))

    assert answer.status == 200
    assert [check["name"] for check in json.loads(answer.body)["checks"]] == ["loop"]


def test_an_endpoint_of_an_unknown_group_is_refused_when_it_is_made() -> None:
    with pytest.raises(LocalServiceException, match="no health check or group 'live'; there are liveness, readi"):
        manager_with(HealthStatus.OK).asgi("live")


async def test_an_answer_is_json_of_known_length_that_is_not_cached() -> None:
    answer = await ask(manager_with(HealthStatus.OK).asgi())

    assert answer.headers == {
        b"content-type": b"application/json",
        b"content-length": str(len(answer.body)).encode(),
        b"cache-control": b"no-store",
    }


async def test_head_has_the_status_without_the_body() -> None:
    answer = await ask(manager_with(HealthStatus.ERROR).asgi(), "HEAD")

    assert (answer.status, answer.body) == (503, b"")


async def test_other_methods_are_not_allowed_and_run_nothing() -> None:
    ran: list[str] = []
    manager = HealthCheckManager()
    manager.add_check(lambda result: ran.append("check"), name="check")

    answer = await ask(manager.asgi(), "POST")

    assert (answer.status, answer.headers[b"allow"]) == (405, b"GET, HEAD")
    assert ran == []


async def test_a_websocket_is_closed() -> None:
    assert await speak(HealthCheckManager().asgi(), type="websocket") == [{"type": "websocket.close"}]


async def test_it_has_no_lifespan_of_its_own() -> None:
    with pytest.raises(RuntimeError, match="serves HTTP, not 'lifespan'; mount it in an application"):
        await speak(HealthCheckManager().asgi(), type="lifespan")
