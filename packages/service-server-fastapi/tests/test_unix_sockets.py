"""A server on a Unix domain socket, in the process of the test and as a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from desk import DeskComponentImpl, World, until
from desk_program import Program
from fastapi import FastAPI
from raw_http import Connection, call, envelope, head_of, request

from service_core import (
    ChannelAddress,
    DeclarationException,
    InvalidTokenException,
    LocalServiceException,
    PortInUseException,
    Server,
    TokenVerifier,
    unix_url,
)
from service_server_fastapi import FastAPIServer, PeerCredentials, RequestContext, ServerSettings
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind_unix

OWN = PeerCredentials(pid=os.getpid(), uid=os.geteuid(), gid=os.getegid())


@pytest.fixture(autouse=True)
def _address_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_last", Server.current_address())  # restored at the end


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.sock"


# a server of this process


def test_it_answers_at_its_url_and_leaves_no_file(path: Path) -> None:
    world = World()
    addresses: list[ChannelAddress] = []
    world.registry.on_register = lambda: addresses.extend(world.component.get_addresses(Server.port))
    with FastAPIServer(uds=path) as server:
        server.boot(world.module())
        assert server.url == unix_url(path)
        assert Server.port == 0
        assert call(server.url, "echo", "a").json["result"] == "a"
        assert request(server.url, "/health/ready").status == 200
        assert addresses == [ChannelAddress("dispatch-json", unix_url(path))]
    assert not path.exists()


def test_only_its_own_user_can_connect_unless_the_mode_allows_others(path: Path) -> None:
    for mode, settings in ((0o600, ServerSettings()), (0o660, ServerSettings(uds_mode=0o660))):
        with FastAPIServer(uds=path, settings=settings) as server:
            server.boot(World().module())
            assert path.stat().st_mode & 0o777 == mode


def test_a_relative_path_is_that_of_the_folder_in_which_the_server_was_booted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with FastAPIServer(uds="a.sock") as server:
        server.boot(World().module())
        assert server.url == unix_url(tmp_path / "a.sock")
        monkeypatch.chdir("/")
    assert list(tmp_path.iterdir()) == []


def test_host_and_port_beside_it_are_refused(path: Path) -> None:
    each: dict[str, Any]
    for each in ({"host": "127.0.0.1"}, {"port": 8000}):
        with pytest.raises(LocalServiceException, match=r"on host and port or on a Unix socket \(uds\), not on both"):
            FastAPIServer(uds=path, **each)


def test_a_port_in_code_wins_over_a_path_in_the_environment(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv("SERVICE_SERVER_UDS", str(path))
    assert FastAPIServer().settings.uds == path
    assert FastAPIServer(port=0).settings.uds is None


def test_a_certificate_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="'cert_file' is for ports"):
        ServerSettings(uds=path, cert_file=path)


def test_a_component_that_says_it_has_a_port_is_refused_and_no_file_is_left(path: Path) -> None:
    class Mistaken(DeskComponentImpl):
        def get_addresses(self, port: int) -> list[ChannelAddress]:
            return [ChannelAddress("dispatch-json", f"http://{Server.get_local_ip()}:{port}")]

    world = World()
    world.component = Mistaken(world.log)
    with pytest.raises(LocalServiceException, match=f"listens on the Unix socket {path} only; use Server.get_url"):
        FastAPIServer(uds=path).boot(world.module())
    assert not path.exists()


def test_a_boot_that_fails_leaves_no_file(path: Path) -> None:
    class Broken(DeskComponentImpl):
        def startup(self) -> None:
            assert path.is_socket()
            raise ConnectionError("on purpose")

    world = World()
    world.component = Broken(world.log)
    with pytest.raises(ConnectionError):
        FastAPIServer(uds=path).boot(world.module())
    assert not path.exists()


def test_a_boot_that_fails_before_it_listens_leaves_no_file(path: Path) -> None:
    class WithoutVerifier:
        pass

    with pytest.raises(DeclarationException, match="is no token verifier"):
        FastAPIServer(uds=path, verifier=WithoutVerifier()).boot(World().module())  # type: ignore[arg-type]
    assert not path.exists()


def test_it_does_not_warn_that_every_host_can_call_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FastAPIServer(uds=path) as server:
        server.boot(World().module())
    assert "listens on all addresses" not in caplog.text


def test_it_describes_itself_to_programs_of_its_machine_only(path: Path) -> None:
    with FastAPIServer(uds=path) as server:
        server.boot(World().module())
        assert request(server.url, "/describe", host="localhost").status == 200
        assert request(server.url, "/describe", host="localhost", x_forwarded_for="192.0.2.1").status == 403
        assert request(server.url, "/describe", host="shop.example").status == 403


def test_calls_in_flight_are_finished_after_the_file_is_gone(path: Path) -> None:
    world = World()
    server = FastAPIServer(uds=path)
    server.boot(world.module())
    with Connection(server.url) as connection:
        body = envelope("block")
        connection.send(head_of(content_length=len(body)) + body)
        world.desk.entered.acquire()
        world.registry.on_deregister = world.desk.release.set
        server.stop()
        assert connection.reply().json["result"] == "released"
    assert not path.exists()


# who calls


class ByUser(TokenVerifier):
    """Takes the user of the process that calls for the principal, if it sent the right token."""

    async def verify(self, token: str) -> Any:
        peer = RequestContext.get_peer()
        if peer is None or token != "local":
            raise InvalidTokenException("unknown")
        return f"uid {peer.uid}"


def test_a_verifier_knows_the_process_that_calls(path: Path) -> None:
    with FastAPIServer(uds=path, verifier=ByUser()) as server:
        server.boot(World().module())
        allowed = call(server.url, "whereabouts", authorization="Bearer local")
        assert allowed.json["result"]["principal"] == f"uid {os.geteuid()}"
        assert call(server.url, "whereabouts", authorization="Bearer other").status == 401
    with FastAPIServer("127.0.0.1", 0, verifier=ByUser()) as server:
        server.boot(World().module())
        assert call(server.url, "whereabouts", authorization="Bearer local").status == 401


@pytest.mark.parametrize("over_asgi", [False, True])
def test_implementations_and_routes_know_the_process_that_calls(path: Path, over_asgi: bool) -> None:
    app = FastAPI()

    @app.get("/peer")
    def peer() -> str:
        return repr(RequestContext.get_peer())

    world, seen = World(), list[PeerCredentials | None]()
    world.desk.tell = lambda _: seen.append(RequestContext.get_peer())
    world.desk.release.set()
    headers: dict[str, Any] = {"x_forwarded_proto": "http"} if over_asgi else {}
    with FastAPIServer(uds=path, app=app) as server:
        server.boot(world.module())
        assert call(server.url, "block", **headers).status == 200
        assert request(server.url, "/peer", **headers).json == repr(OWN)
    assert seen == [OWN]


def test_over_tcp_and_outside_of_a_request_there_is_no_peer() -> None:
    world, seen = World(), list[PeerCredentials | None]()
    world.desk.tell = lambda _: seen.append(RequestContext.get_peer())
    world.desk.release.set()
    with FastAPIServer("127.0.0.1", 0) as server:
        server.boot(world.module())
        assert call(server.url, "block").status == 200
    assert seen == [None]
    with pytest.raises(LookupError):
        RequestContext.get_peer()


# under another ASGI server


def test_components_are_registered_when_another_server_answers_on_the_socket(path: Path) -> None:
    world = World()
    server = FastAPIServer(uds=path)
    bound, file = bind_unix(path, 0o600)
    with bound:
        listener = Listener(server.asgi(world.module()), bound, ServerSettings(), file=file)
        listener.start()
        until(lambda: server.is_ready)
        assert server.url == unix_url(path)
        assert call(server.url, "echo", "a").json["result"] == "a"
        assert listener.stop(timeout=20)
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_a_socket_on_which_no_server_answers_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_server_fastapi.lifecycle.lifespan._UNUSUAL", 0.1)
    bound, file = bind_unix(path.with_name("other.sock"), 0o600)
    with bound:
        listener = Listener(FastAPIServer(uds=path).asgi(World().module()), bound, ServerSettings(), file=file)
        listener.start()
        until(lambda: "no server answers" in caplog.text)
        listener.stop(timeout=20)
    assert (
        f"no server answers on the Unix socket {path}, so nothing is registered and the server is not ready; give "
        f"FastAPIServer(uds=...) or SERVICE_SERVER_UDS the one that your ASGI server listens on"
    ) in caplog.messages


# processes


def test_a_process_that_is_stopped_removes_the_file(path: Path) -> None:
    with Program("program.py", "run", uds=path) as program:
        program.wait_for("register")
        assert call(program.url, "echo", "a").json["result"] == "a"
        program.signal(signal.SIGTERM)
        assert program.end() == 0
        assert program.errors == ""
    assert not path.exists()


def test_a_killed_process_leaves_a_file_that_the_next_one_replaces(path: Path) -> None:
    with Program("program.py", "run", uds=path) as program:
        program.wait_for("register")
        with pytest.raises(PortInUseException):
            FastAPIServer(uds=path).boot(World().module())
        assert call(program.url, "echo", "a").json["result"] == "a"
        program.signal(signal.SIGKILL)
        program.end()
    assert path.is_socket()
    with FastAPIServer(uds=path) as server:
        server.boot(World().module())
        assert call(server.url, "echo", "a").json["result"] == "a"
    assert not path.exists()
