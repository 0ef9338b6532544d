"""Encrypted requests: which servers the engine trusts, and that the rest is as without."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from service_channels_http import DispatchJSONChannel, HTTPReply, HTTPRequest, HTTPXChannel
from service_channels_http.transport.tls.context import _context
from service_core import Deadline, ServiceCommunicationException

Sending = Callable[[HTTPRequest], HTTPReply]


@contextmanager
def sending_sync(channel: HTTPXChannel) -> Iterator[Sending]:
    yield channel.send
    channel.close()


@contextmanager
def sending_async(channel: HTTPXChannel) -> Iterator[Sending]:
    with asyncio.Runner() as runner:
        yield lambda request: runner.run(channel.send_async(request))
        runner.run(channel.aclose())


both = pytest.mark.parametrize("sending", [sending_sync, sending_async])


class Echo:
    """An HTTPS server that answers each request with its body, and hangs up at an empty one."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.accepted = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        """Serve one connection after the other until :meth:`stop`."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(connection, server_side=True) as encrypted,
            encrypted.makefile("rb") as stream,
        ):
            while head := list(iter(stream.readline, b"\r\n")):
                length = next(int(line[15:]) for line in head if line.lower().startswith(b"content-length:"))
                body = stream.read(length)
                if not body:
                    return
                encrypted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def echo(authority: trustme.CA) -> Iterator[Echo]:
    server = Echo(authority.issue_cert("localhost"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(30)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes this process trust the test's own authority."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    _context.cache_clear()
    yield
    _context.cache_clear()


def request(host: str, port: int, content: bytes = b"ping") -> HTTPRequest:
    return HTTPRequest(
        url=f"https://{host}:{port}/invoke", headers={}, content=content, deadline=Deadline.after(30.0), caller="A.b"
    )


@both
@pytest.mark.usefixtures("trusted")
def test_requests_are_encrypted_and_the_connection_is_kept(sending: Any, echo: Echo) -> None:
    large = bytes(range(256)) * 20_000
    with sending(DispatchJSONChannel()) as send:
        for content in (b"ping", large, b"pong"):
            assert send(request("localhost", echo.port, content)).content == content
    assert echo.accepted == 1


@both
@pytest.mark.usefixtures("trusted")
def test_a_call_whose_connection_is_lost_after_the_handshake_may_have_run(sending: Any, echo: Echo) -> None:
    with (
        sending(DispatchJSONChannel()) as send,
        pytest.raises(ServiceCommunicationException, match="may have run") as caught,
    ):
        send(request("localhost", echo.port, b""))
    assert caught.value.may_have_run


@both
@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(sending: Any, echo: Echo) -> None:
    with (
        sending(DispatchJSONChannel()) as send,
        pytest.raises(ServiceCommunicationException, match=r"cannot connect \(.*certificate is not valid") as caught,
    ):
        send(request("127.0.0.1", echo.port))
    assert not caught.value.may_have_run


@both
def test_an_unknown_authority_is_refused(sending: Any, echo: Echo) -> None:
    with (
        sending(DispatchJSONChannel()) as send,
        pytest.raises(ServiceCommunicationException, match="certificate verify failed") as caught,
    ):
        send(request("localhost", echo.port))
    assert not caught.value.may_have_run


@both
def test_a_server_that_does_not_shake_hands_is_given_up(sending: Any) -> None:
    channel = DispatchJSONChannel()
    channel.connect_timeout = 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent, sending(channel) as send:
        with pytest.raises(ServiceCommunicationException, match="no connection in time") as caught:
            send(request("localhost", silent.getsockname()[1]))
        assert not caught.value.may_have_run
