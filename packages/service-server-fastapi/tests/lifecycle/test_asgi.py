"""Under an ASGI server that is not ours; as a process it is tried in ``test_signals``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from desk import World, until
from raw_http import call, request

from service_core import Server
from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.http1.listener import Listener, bind


@contextmanager
def served_elsewhere(world: World, *, advertised: int | None = None) -> Iterator[FastAPIServer]:
    """A server whose application another one runs, as long as the block lasts."""
    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
        server = FastAPIServer("127.0.0.1", advertised or port)
        listener = Listener(server.asgi(world.module()), bound, ServerSettings())
        listener.start()
        try:
            yield server
        finally:
            world.desk.release.set()
            listener.stop(timeout=20)


def test_components_are_registered_when_the_other_server_answers() -> None:
    world = World()
    seen: list[int] = []
    world.registry.on_register = lambda: seen.append(call(f"http://127.0.0.1:{Server.port}", "echo", "a").status)
    with served_elsewhere(world) as server:
        until(lambda: server.is_ready)

        assert seen == [200]
        assert Server.port == int(server.url.rpartition(":")[2])
        assert request(server.url, "/health/ready").status == 200
        assert call(server.url, "whereabouts").json["result"]["thread"] == "service-worker-1"
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]
    assert not server.is_ready


def test_a_server_that_listens_elsewhere_is_told_so_and_registers_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_server_fastapi.lifecycle.lifespan._PATIENCE", 0.1)
    world = World()
    with bind("127.0.0.1", 0) as unused:
        port = unused.getsockname()[1]
    with served_elsewhere(world, advertised=port):
        until(lambda: bool(caplog.messages))
    assert caplog.messages == [
        f"nobody answers on 127.0.0.1:{port}, so nothing is registered; give FastAPIServer(host=..., port=...) the "
        f"address that your ASGI server listens on"
    ]
    assert world.log == ["startup", "shutdown", "destroyed"]


def test_a_registration_that_fails_is_logged_and_the_server_is_never_ready(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    def refuse() -> None:
        raise ConnectionError("by the registry")

    world.registry.on_register = refuse
    with served_elsewhere(world) as server:
        until(lambda: bool(caplog.messages))
        assert caplog.messages == ["the components cannot be registered, so the server is never ready"]
        assert request(server.url, "/health/ready").status == 503
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_stop_leaves_it_to_the_other_server() -> None:
    world = World()
    with served_elsewhere(world) as server:
        until(lambda: server.is_ready)
        server.stop()
        assert call(server.url, "echo", "a").status == 200
