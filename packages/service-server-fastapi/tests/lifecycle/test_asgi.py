"""Under an ASGI server that is not ours; as a process it is tried in ``test_signals``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from desk import World, until
from fastapi import FastAPI
from raw_http import call, envelope, request

from service_core import LocalServiceException, Server
from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind


@contextmanager
def served_elsewhere(
    world: World, *, configured: int | None = None, host: str = "127.0.0.1"
) -> Iterator[FastAPIServer]:
    """A server whose application another one runs, as long as the block lasts."""
    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
        server = FastAPIServer(host, configured or port)
        listener = Listener(server.asgi(world.module()), bound, ServerSettings())
        world.url = f"http://127.0.0.1:{port}"
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


def test_a_server_that_listens_on_another_port_is_named_and_registered_there_when_requests_come(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_server_fastapi.lifecycle.lifespan._UNUSUAL", 0.1)
    world = World()
    registered: list[int] = []
    world.registry.on_register = lambda: registered.append(Server.port)
    with bind("127.0.0.1", 0) as unused:
        assumed: int = unused.getsockname()[1]
    with served_elsewhere(world, configured=assumed) as server:
        until(lambda: f"no server answers on 127.0.0.1:{assumed}, so nothing is registered" in caplog.text)
        assert "SERVICE_SERVER_PORT" in caplog.text
        until(lambda: request(server.url if server.is_ready else world.url, "/health/live").status == 200)
        until(lambda: server.is_ready)
        assert registered == [int(world.url.rpartition(":")[2])]
        assert server.url == world.url


def test_a_port_on_which_another_process_answers_is_named(caplog: pytest.LogCaptureFixture) -> None:
    another = "import http.server as s; s.HTTPServer(('127.0.0.1', {}), s.SimpleHTTPRequestHandler).serve_forever()"
    with bind("127.0.0.1", 0) as unused:
        port: int = unused.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", another.format(port)], stderr=subprocess.DEVNULL) as process:
        try:
            with served_elsewhere(world := World(), configured=port) as server:
                until(lambda: server.is_ready)
                own = world.url.rpartition(":")[2]
                assert f"port {port} is registered, on which another process answers" in caplog.text
                assert own in caplog.text
        finally:
            process.kill()


def test_a_server_that_callers_of_other_machines_do_not_reach_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_core.hosting.server._outbound_address", lambda: "127.0.0.2")
    with served_elsewhere(World(), host="0.0.0.0") as server:
        until(lambda: server.is_ready)
        port = server.url.rpartition(":")[2]
        assert f"answers on 127.0.0.1:{port} and not on 127.0.0.2:{port}, the address that callers get" in caplog.text
        assert "SERVICE_SERVER_HOST" in caplog.text


def test_without_a_lifespan_the_answer_is_503_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    user = FastAPI()
    user.add_api_route("/mine", lambda: "mine")
    app = FastAPIServer("127.0.0.1", 8000, user).asgi(World().module())
    with bind("127.0.0.1", 0) as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        outer = FastAPI()
        outer.mount("/api", app)  # which runs no lifespan
        listener = Listener(outer, bound, ServerSettings())
        listener.start()
        try:
            paths = ["/api/invoke", "/api/health/ready", "/api/invoke"]
            replies = [request(url, path, method="POST", body=envelope("echo", "a")) for path in paths]
            assert [reply.status for reply in replies] == [503, 503, 503]
            assert "the lifespan of the application has not run" in replies[0].json["exception"]["message"]
            assert request(url, "/api/mine").status == 200
        finally:
            listener.stop(timeout=20)
    assert len([line for line in caplog.messages if "the lifespan of the application has not run" in line]) == 1


def test_mounted_below_a_path_it_lives_in_the_lifespan_of_the_other_application() -> None:
    world = World()
    outer = FastAPI()
    outer.add_api_route("/other", lambda: "other")
    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
        server = FastAPIServer("127.0.0.1", port)
        server.asgi(world.module())
        server.mount(outer, "/api")
        urls: list[str] = []
        world.registry.on_register = lambda: urls.append(Server.get_url(port))
        listener = Listener(outer, bound, ServerSettings())
        listener.start()
        try:
            until(lambda: server.is_ready)
            reply = request(server.url, "/api/invoke", method="POST", body=envelope("echo", "a"))
            assert reply.json["result"] == "a"
            assert request(f"http://127.0.0.1:{port}", "/other").status == 200
            assert urls == [f"http://127.0.0.1:{port}/api"]
        finally:
            listener.stop(timeout=20)
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_mounting_before_asgi_and_port_0_are_refused() -> None:
    with pytest.raises(LocalServiceException, match=r"call asgi\(module\) before"):
        FastAPIServer("127.0.0.1", 8000).mount(FastAPI(), "/api")
    with pytest.raises(LocalServiceException, match=r"pass FastAPIServer\(port=...\) the port"):
        FastAPIServer("127.0.0.1", 0).asgi(World().module())


def test_a_registration_that_fails_is_logged_and_the_server_is_never_ready(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    def refuse() -> None:
        raise ConnectionError("by the registry")

    world.registry.on_register = refuse
    with served_elsewhere(world) as server:
        message = "the components cannot be registered, so the server is never ready"
        until(lambda: message in caplog.messages)
        assert request(server.url, "/health/ready").status == 503
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_stop_leaves_it_to_the_other_server() -> None:
    world = World()
    with served_elsewhere(world) as server:
        until(lambda: server.is_ready)
        server.stop()
        assert call(server.url, "echo", "a").status == 200
