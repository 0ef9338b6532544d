"""HTTPS: what is served over it, which clients it accepts, and what the others receive."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from desk import DeskComponentImpl, World, serving, until
from fastapi import FastAPI, Request
from pydantic import SecretStr, ValidationError
from raw_http import TIMEOUT, Connection, envelope, head_of

from service_core import ChannelAddress, LocalServiceException, Server
from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.http1.connection import ServerConnection
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind
from service_server_fastapi.listening.tls import server_tls

PASSWORD = "hunter2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files of a server, and what clients need."""

    folder: Path
    authority: trustme.CA
    other: trustme.CA

    def client(self, shown: trustme.CA | None = None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """A client that trusts the authority, and has a certificate that another one has signed."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if shown is not None:
            shown.issue_cert("client@example.org").configure_cert(context)
        if version is not None:
            context.maximum_version = version
        return context

    def settings(self, **more: Any) -> ServerSettings:
        """Those of a server with a certificate for localhost."""
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        values = {"cert_file": cert, "key_file": key, "key_password": SecretStr(PASSWORD), **more}
        return ServerSettings(**values)

    @property
    def ca_file(self) -> Path:
        """The authority that clients' certificates need."""
        return self.folder / "ca.pem"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    one, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    encrypted = load_pem_private_key(one.private_key_pem.bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
    )
    (folder / "key.pem").write_bytes(encrypted)
    one.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    other.private_key_pem.write_to_path(str(folder / "other.key"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Certificates(folder=folder, authority=authority, other=trustme.CA())


class EncryptedConnection(Connection):
    """A connection that is encrypted from its beginning."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        super().__init__(url)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


def ask(url: str, path: str, context: ssl.SSLContext) -> int:
    """The status of one GET request."""
    with EncryptedConnection(url, context) as connection:
        connection.head("GET", path, connection="close")
        return connection.reply().status


def call_again_and_again(connection: Connection, texts: list[str]) -> list[str]:
    """Call the desk over one connection."""
    results = []
    for text in texts:
        body = envelope("echo", text)
        connection.head(content_length=len(body))
        connection.send(body)
        results.append(connection.reply().json["result"])
    return results


# served


def test_all_that_a_server_answers_is_encrypted(certificates: Certificates) -> None:
    client = certificates.client()
    with serving(settings=certificates.settings()) as (server, world):
        assert server.url == Server.get_url(Server.port) == f"https://127.0.0.1:{Server.port}"
        for path in ("/health/live", "/health/ready", "/health/desk"):
            assert ask(server.url, path, client) == 200
        with EncryptedConnection(server.url, client) as connection:
            texts = ["a", "b" * 1_000_000, "c"]
            assert call_again_and_again(connection, texts) == texts
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_the_environment_gives_the_files(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_CERT_FILE", str(certificates.folder / "cert.pem"))
    monkeypatch.setenv("SERVICE_SERVER_KEY_FILE", str(certificates.folder / "key.pem"))
    monkeypatch.setenv("SERVICE_SERVER_KEY_PASSWORD", PASSWORD)
    monkeypatch.setenv("SERVICE_SERVER_CLIENT_CA_FILE", str(certificates.ca_file))
    with serving() as (server, _):
        assert ask(server.url, "/health/live", certificates.client(certificates.authority)) == 200


def test_a_server_after_it_is_plain_again(certificates: Certificates) -> None:
    with serving(settings=certificates.settings()):
        assert Server.scheme == "https"
    with serving() as (server, _):
        assert server.url == Server.get_url(Server.port) == f"http://127.0.0.1:{Server.port}"


def test_a_large_answer_arrives_whole_although_the_connection_ends_with_it(certificates: Certificates) -> None:
    app = FastAPI()
    text = "x" * 8_000_000

    @app.get("/large")
    def large() -> str:
        return text

    with (
        serving(app=app, settings=certificates.settings()) as (server, _),
        EncryptedConnection(server.url, certificates.client()) as connection,
    ):
        connection.head("GET", "/large", connection="close")
        assert connection.reply().json == text
        assert connection.is_closed()


def test_routes_of_the_application_see_https(certificates: Certificates) -> None:
    app = FastAPI()

    @app.get("/scheme")
    def scheme(request: Request) -> str:
        return request.url.scheme

    with (
        serving(app=app, settings=certificates.settings()) as (server, _),
        EncryptedConnection(server.url, certificates.client()) as connection,
    ):
        connection.head("GET", "/scheme")
        assert connection.reply().json == "https"


def test_only_new_versions_of_tls_are_spoken(certificates: Certificates) -> None:
    context = server_tls(certificates.settings())
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


# files


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cert_file": "absent.pem"}, "setting 'cert_file' (SERVICE_SERVER_CERT_FILE): cannot read"),
        ({"key_file": "other.key"}, "setting 'key_file' (SERVICE_SERVER_KEY_FILE): the key is not that of"),
        ({"key_password": None}, "setting 'key_file' (SERVICE_SERVER_KEY_FILE): the key is encrypted; give its"),
        ({"key_password": "wrong"}, "setting 'key_password' (SERVICE_SERVER_KEY_PASSWORD): it does not open the key"),
        ({"client_ca_file": "key.pem"}, "setting 'client_ca_file' (SERVICE_SERVER_CLIENT_CA_FILE): "),
    ],
)
def test_wrong_files_end_the_boot_before_it_has_begun(
    certificates: Certificates, wrong: dict[str, Any], message: str
) -> None:
    values = {
        name: SecretStr(value) if name == "key_password" and value else value and certificates.folder / value
        for name, value in wrong.items()
    }
    world, before = World(), set(threading.enumerate())
    server = FastAPIServer("127.0.0.1", 0, settings=certificates.settings(**values))

    with pytest.raises(LocalServiceException) as caught:
        server.boot(world.module())

    assert str(caught.value).startswith(message)
    assert world.log == []
    assert "service-server" not in [thread.name for thread in threading.enumerate() if thread not in before]


@pytest.mark.parametrize("name", ["key_file", "key_password", "client_ca_file"])
def test_files_without_a_certificate_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=f"setting '{name}' is given without 'cert_file'") as caught:
        ServerSettings(**{name: PASSWORD})  # type: ignore[arg-type]
    assert PASSWORD not in str(caught.value)


def test_a_component_that_announces_plain_http_is_refused(certificates: Certificates) -> None:
    class PlainComponent(DeskComponentImpl):
        def get_addresses(self, port: int) -> list[ChannelAddress]:
            return [ChannelAddress("dispatch-json", f"http://{Server.get_local_ip()}:{port}")]

    world = World()
    world.component = PlainComponent(world.log)
    with (
        pytest.raises(LocalServiceException, match=r"PlainComponent\.get_addresses .*use Server\.get_url\(port\)"),
        serving(world, settings=certificates.settings()),
    ):
        pass
    assert "register" not in world.log


def test_a_password_is_neither_shown_nor_logged(certificates: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    settings = certificates.settings()
    with caplog.at_level(logging.DEBUG), serving(settings=settings) as (server, _):
        ask(server.url, "/health/live", certificates.client())
    assert PASSWORD not in f"{settings!r} {settings} {server!r} {caplog.text}"


# who is let in


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_without_a_certificate_of_the_authority_get_an_alert(
    certificates: Certificates, version: ssl.TLSVersion
) -> None:
    authority, other = certificates.authority, certificates.other
    with serving(settings=certificates.settings(client_ca_file=certificates.ca_file)) as (server, world):
        for _ in range(3):
            with pytest.raises(ssl.SSLError, match=r"ALERT_CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE"):
                ask(server.url, "/health/live", certificates.client(version=version))
            with pytest.raises(ssl.SSLError, match="ALERT_UNKNOWN_CA"):
                ask(server.url, "/health/live", certificates.client(other, version))
            assert ask(server.url, "/health/live", certificates.client(authority, version)) == 200
        assert world.desk.runs == []


def test_a_refused_client_that_stays_is_disconnected(certificates: Certificates) -> None:
    settings = certificates.settings(client_ca_file=certificates.ca_file, receive_timeout=1.0)
    with (
        serving(settings=settings) as (server, _),
        Connection(server.url) as connection,
        suppress(BrokenPipeError, ConnectionResetError),  # on a busy machine it is sent away during the handshake
    ):
        shake_hands(connection, certificates.client())
        while connection.socket.recv(1024):  # the alert
            pass


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01"])
def test_a_client_whose_handshake_is_late_is_disconnected(certificates: Certificates, beginning: bytes) -> None:
    settings = certificates.settings(receive_timeout=0.2)
    with serving(settings=settings) as (server, _):
        with Connection(server.url) as connection:
            connection.send(beginning)
            assert connection.is_closed()
        assert ask(server.url, "/health/live", certificates.client()) == 200


def test_a_client_that_sends_no_request_after_the_handshake_is_disconnected(certificates: Certificates) -> None:
    with (
        serving(settings=certificates.settings(receive_timeout=0.2)) as (server, _),
        EncryptedConnection(server.url, certificates.client()) as connection,
    ):
        assert connection.is_closed()


def test_plain_http_at_an_encrypted_port_ends_at_once(certificates: Certificates) -> None:
    with serving(settings=certificates.settings()) as (server, world):
        with Connection(server.url) as connection:
            connection.head("GET", "/health/live")
            while connection.socket.recv(1024):
                pass
        assert ask(server.url, "/health/live", certificates.client()) == 200
    assert world.desk.runs == []


def test_tls_at_a_plain_port_ends_at_once(certificates: Certificates) -> None:
    with serving() as (server, _):
        with pytest.raises(ssl.SSLError, match=r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE"):
            EncryptedConnection(server.url, certificates.client())
        assert server.is_ready


def shake_hands(connection: Connection, context: ssl.SSLContext) -> None:
    """A client's part of the handshake, over a socket that stays as it is."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    done = False
    while not done:
        try:
            client.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            pass
        connection.send(outgoing.read())
        if not done:
            incoming.write(connection.socket.recv(65536))


# the end


@contextmanager
def listening(app: Any, certificates: Certificates, **more: Any) -> Iterator[tuple[Listener, str]]:
    """A listener over TLS."""
    settings = certificates.settings(**more)
    with bind("127.0.0.1", 0) as bound:
        listener = Listener(app, bound, ServerSettings(), server_tls(settings))
        listener.start()
        try:
            yield listener, f"https://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            listener.stop(timeout=TIMEOUT)


def test_a_stop_does_not_wait_for_close_notify_of_idle_clients(certificates: Certificates) -> None:
    with (
        listening(FastAPI(), certificates) as (listener, url),
        EncryptedConnection(url, certificates.client()) as connection,
    ):
        connection.head("GET", "/docs")
        assert connection.reply().status == 200
        assert listener.stop(timeout=15)  # event loops would wait for 30 s
        assert connection.is_closed()


def test_a_call_in_flight_is_finished_and_then_the_connection_ends(certificates: Certificates) -> None:
    with serving(settings=certificates.settings()) as (server, world):
        with EncryptedConnection(server.url, certificates.client()) as connection:
            body = envelope("block")
            connection.head(content_length=len(body))
            connection.send(body)
            world.desk.entered.acquire()
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            until(lambda: not server.is_ready)
            world.desk.release.set()
            assert connection.reply().json["result"] == "released"
            assert connection.is_closed()
        stopping.join(TIMEOUT)


# under another ASGI server


@pytest.mark.parametrize("requires_certificate", [False, True])
def test_components_are_registered_when_another_server_answers_over_tls(
    certificates: Certificates, requires_certificate: bool
) -> None:
    ca_file = certificates.ca_file if requires_certificate else None
    world = World()
    with bind("127.0.0.1", 0) as unused:
        port: int = unused.getsockname()[1]
    server = FastAPIServer("127.0.0.1", port, settings=certificates.settings(client_ca_file=ca_file))
    app = server.asgi(world.module())
    with bind("127.0.0.1", port) as bound:
        tls = server_tls(certificates.settings(client_ca_file=ca_file))
        listener = Listener(app, bound, ServerSettings(), tls)
        listener.start()
        until(lambda: server.is_ready)
        assert server.url == f"https://127.0.0.1:{port}"
        client = certificates.client(certificates.authority if requires_certificate else None)
        assert ask(server.url, "/health/ready", client) == 200
        assert listener.stop(timeout=TIMEOUT)
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_another_server_without_tls_is_reported(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service_server_fastapi.lifecycle.lifespan._UNUSUAL", 0.2)
    world = World()

    def warnings() -> list[str]:
        return [message for message in caplog.messages if message.startswith("no server answers")]

    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
        server = FastAPIServer("127.0.0.1", port, settings=certificates.settings())
        listener = Listener(server.asgi(world.module()), bound, ServerSettings())
        listener.start()
        until(lambda: bool(warnings()))
        listener.stop(timeout=TIMEOUT)
    assert warnings() == [
        f"no server answers on 127.0.0.1:{port} over TLS, so nothing is registered and the server is not ready; give "
        f"FastAPIServer(host=..., port=...) or SERVICE_SERVER_HOST and SERVICE_SERVER_PORT the address that your ASGI "
        f"server listens on, and 'cert_file' only if that uses TLS"
    ]
    assert "register" not in world.log


# clients that do not read


@pytest.mark.parametrize("requests", [1, 2])
@pytest.mark.parametrize("closes", [False, True])
def test_an_encrypted_answer_that_is_not_read_is_given_up(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, requests: int, closes: bool
) -> None:
    lost = threading.Event()
    original = ServerConnection.connection_lost

    def connection_lost(self: ServerConnection, exc: Exception | None) -> None:
        original(self, exc)
        lost.set()

    monkeypatch.setattr(ServerConnection, "connection_lost", connection_lost)
    body = envelope("echo", "a" * 1000, 16_000)
    head = head_of(content_length=len(body), connection="close" if closes else None)
    settings = certificates.settings(receive_timeout=0.5, keep_alive=0.5)
    with (
        serving(settings=settings) as (server, _),
        EncryptedConnection(server.url, certificates.client()) as connection,
    ):
        for _ in range(requests):
            connection.send(head + body)
        assert connection.socket.recv(1) == b"H"
        assert lost.wait(TIMEOUT)
