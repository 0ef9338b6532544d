"""Calls over TLS between our server and our channels: which certificates they trust, and their errors for others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from service_channels_http import ClientTLS, DispatchJSONChannel, HTTPXChannel
from service_core import LocalServiceException, ServiceCommunicationException
from service_server_fastapi import FastAPIServer, ServerSettings
from tests.integration.tls.safe import CALLS, CHANNELS, Call, SafeModule, bound, opened
from tests.support.certificates import Authority, Files

PASSWORD = "hunter2"

channels = pytest.mark.parametrize("channel_class", CHANNELS)
calls = pytest.mark.parametrize("call", CALLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Authorities, servers and what clients may have."""

    authority: Authority
    other: Authority
    client: Files
    stranger: Files
    """A client's certificate of the other authority."""
    encrypted: str
    """The address of a server with a certificate for ``localhost``."""
    mutual: str
    """That of one that demands certificates of clients."""
    expired: str
    """That of one whose certificate has expired."""
    plain: str
    """That of one without TLS."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = Authority(folder), Authority(folder, "other")
    server = authority.issue("server", "localhost", password=PASSWORD)
    expired = authority.issue("expired", "localhost", days=-1)
    tls = {"cert_file": server.cert, "key_file": server.key, "key_password": SecretStr(PASSWORD)}
    with ExitStack() as stack:

        def serve(**settings: object) -> str:
            settings = {"host": "127.0.0.1", "port": 0, **settings}
            server = stack.enter_context(FastAPIServer(settings=ServerSettings(**settings)))  # type: ignore[arg-type]
            server.boot(SafeModule)
            return server.url.replace("127.0.0.1", "localhost")

        yield World(
            authority=authority,
            other=other,
            client=authority.issue("client", "client@example.org"),
            stranger=other.issue("client", "client@example.org"),
            encrypted=serve(**tls),
            mutual=serve(**tls, client_ca_file=authority.file),
            expired=serve(cert_file=expired.cert, key_file=expired.key),
            plain=serve(),
        )


def trusting(channel: HTTPXChannel, authority: Authority, files: Files | None = None) -> HTTPXChannel:
    """The channel, which believes an authority and perhaps shows a certificate."""
    channel.tls = ClientTLS(
        ca_file=authority.file, cert_file=files.cert if files else None, key_file=files.key if files else None
    )
    return channel


@channels
@calls
def test_calls_are_encrypted(world: World, channel_class: type[HTTPXChannel], call: Call) -> None:
    assert world.encrypted.startswith("https://")
    assert call(trusting(channel_class(), world.authority), world.encrypted, 1) == "gold 1"


@channels
@calls
def test_a_client_shows_its_certificate(world: World, channel_class: type[HTTPXChannel], call: Call) -> None:
    assert call(trusting(channel_class(), world.authority, world.client), world.mutual, 1) == "gold 1"


@channels
@calls
@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            "unknown authority",
            r"cannot connect \(.*certificate verify failed.*\); set 'ca_file' \(SERVICE_HTTP_CA_FILE\) to the "
            r"authority that has signed the server's certificate",
        ),
        (
            "another host",
            r"cannot connect \(.*'127\.0\.0\.1'.*\); announce the server under an address that is in its certificate",
        ),
        ("expired", r"cannot connect \(.*certificate has expired.*\); the server's certificate has expired; renew it"),
        (
            "no certificate",
            r"cannot connect \(.*alert certificate required.*\); the server requires a certificate; set "
            r"'cert_file' \(SERVICE_HTTP_CERT_FILE\)",
        ),
        (
            "certificate of another authority",
            r"cannot connect \(.*alert unknown ca.*\); the server does not accept the certificate in setting "
            r"'cert_file'",
        ),
        ("no TLS", r"cannot connect \(.*\); the server does not use TLS there; use http://"),
    ],
)
def test_untrusted_addresses_are_not_called(
    world: World, channel_class: type[HTTPXChannel], call: Call, failure: str, message: str
) -> None:
    authority, files, url = {
        "unknown authority": (world.other, None, world.encrypted),
        "another host": (world.authority, None, world.encrypted.replace("localhost", "127.0.0.1")),
        "expired": (world.authority, None, world.expired),
        "no certificate": (world.authority, None, world.mutual),
        "certificate of another authority": (world.authority, world.stranger, world.mutual),
        "no TLS": (world.authority, None, world.plain.replace("http:", "https:")),
    }[failure]
    channel = trusting(channel_class(), authority, files)
    opened.clear()

    with pytest.raises(ServiceCommunicationException, match=message) as caught:
        call(channel, url, 1)

    assert not caught.value.may_have_run
    assert opened == []


def test_a_server_serves_on_after_all_that(world: World) -> None:
    for channel_class in CHANNELS:
        for call in CALLS:
            for url in (world.encrypted, world.mutual):
                with pytest.raises(ServiceCommunicationException):
                    call(trusting(channel_class(), world.other, world.stranger), url, 1)
                assert call(trusting(channel_class(), world.authority, world.client), url, 2) == "gold 2"


def test_a_connection_is_kept_for_further_calls(world: World) -> None:
    channel = trusting(DispatchJSONChannel(), world.authority, world.client)
    safe = bound(channel, world.mutual)
    assert [safe.open(number) for number in range(3)] == ["gold 0", "gold 1", "gold 2"]
    channel.close()


def test_settings_come_from_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_HTTP_CA_FILE", str(world.authority.file))
    monkeypatch.setenv("SERVICE_HTTP_CERT_FILE", str(world.client.cert))
    monkeypatch.setenv("SERVICE_HTTP_KEY_FILE", str(world.client.key))
    for channel_class in CHANNELS:
        for call in CALLS:
            assert call(channel_class(), world.mutual, 3) == "gold 3"


@channels
@calls
def test_wrong_files_fail_the_call(channel_class: type[HTTPXChannel], call: Call, tmp_path: Path) -> None:
    channel = channel_class()
    channel.tls = ClientTLS(ca_file=tmp_path / "absent.pem")
    with pytest.raises(
        LocalServiceException, match=r"setting 'ca_file' \(SERVICE_HTTP_CA_FILE\): cannot read .*absent\.pem: No such"
    ):
        call(channel, "https://localhost:1", 1)
