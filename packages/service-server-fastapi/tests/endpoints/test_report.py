"""The report of a running server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from desk import Elsewhere, World, serving
from raw_http import request

from service_core import ChannelAddress, ServiceManager
from service_core.registry.base import snapshot_of
from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.endpoints.report import as_text


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[FastAPIServer]:
    """A server that also calls another component, once ``report`` is on and details are sent."""
    world = World()
    settings = ServerSettings(report=True, details=request.param if hasattr(request, "param") else True)
    server = FastAPIServer("127.0.0.1", 0, settings=settings)
    with server:
        manager = server.boot(world.module()).get(ServiceManager)
        manager.get_service(Elsewhere)
        offered = [[ChannelAddress("spare", f"http://10.0.0.{number}:8000")] for number in (7, 8)]
        world.registry.publish("elsewhere-component", snapshot_of("elsewhere-component", offered))
        yield server


def reported(server: FastAPIServer) -> Any:
    return request(server.url, "/report").json


def test_it_is_off_by_default() -> None:
    with serving(settings=ServerSettings(details=True)) as (server, _):
        assert request(server.url, "/report").status == 404


def test_it_lists_what_is_hosted_and_where(server: FastAPIServer) -> None:
    assert reported(server)["state"] == "ready"
    assert reported(server)["hosts"] == {
        "desk-component": {
            "status": "running",
            "services": ["desk"],
            "addresses": f"dispatch-json({server.url})",
            "processes": [os.getpid()],
        }
    }


def test_the_load_of_threads_and_methods_is_shown(server: FastAPIServer) -> None:
    load = reported(server)["load"]
    assert load["workers"] == {"threads": 40, "busy": 0, "waiting": 0, "wait": 0.0, "late_on_loop": 0}
    methods = load["methods"]
    blocking = next(name for name, about in methods.items() if "seconds" in about)
    assert methods[blocking] == {"seconds": 0.0, "too_late": 0}
    assert {"running": 0, "limit": None, "refused": 0} in methods.values()


def test_it_lists_what_is_called_and_where(server: FastAPIServer) -> None:
    assert reported(server)["calls"] == {
        "elsewhere-component": {"spare": [{"url": "http://10.0.0.7:8000"}, {"url": "http://10.0.0.8:8000"}]}
    }


def test_it_lists_the_results_of_the_health_endpoints(server: FastAPIServer) -> None:
    health = reported(server)["health"]

    assert list(health) == ["/health/live", "/health/ready", "/health/desk"]
    for path, found in health.items():
        asked = request(server.url, path).json
        assert (found["status"], len(found["checks"])) == (asked["status"], len(asked["checks"]))


@pytest.mark.parametrize("server", [False], indirect=True)
def test_strangers_learn_no_more_than_from_the_health_endpoints(server: FastAPIServer) -> None:
    reply = request(server.url, "/report")

    assert set(reply.json) == {"health"}
    assert all("details" not in check for found in reply.json["health"].values() for check in found["checks"])
    assert b"10.0.0" not in reply.body


def test_it_is_text_if_the_request_accepts_text(server: FastAPIServer) -> None:
    reply = request(server.url, "/report", accept="text/plain")

    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    lines = reply.body.decode().splitlines()
    assert lines[:4] == [f"process: {os.getpid()}", "state: ready", "health", "  /health/live"]
    assert lines[lines.index("hosts") :] == [
        "hosts",
        "  desk-component",
        "    status: running",
        "    services: desk",
        f"    addresses: dispatch-json({server.url})",
        f"    processes: {os.getpid()}",
        "calls",
        "  elsewhere-component",
        "    spare",
        "      url http://10.0.0.7:8000",
        "      url http://10.0.0.8:8000",
    ]


def test_nothing_is_said_as_a_dash() -> None:
    assert as_text({"a": [], "b": {}, "c": {"d": 1, "e": [2, 3], "f": {}}}) == (
        "a: -\nb: -\nc\n  d: 1\n  e: 2, 3\n  f: -\n"
    )


def test_it_is_read_with_get_and_not_cached(server: FastAPIServer) -> None:
    assert request(server.url, "/report").headers["cache-control"] == "no-store"
    assert request(server.url, "/report", method="POST").status == 405
