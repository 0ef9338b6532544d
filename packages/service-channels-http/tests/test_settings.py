"""What can be set about channels, in code and by the environment, and how wrong files are reported."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from service_channels_http import ClientTLS, DispatchJSONChannel, HTTPSettings
from service_core import LocalServiceException


def test_every_setting_has_a_default() -> None:
    channel = DispatchJSONChannel()
    assert (channel.connect_timeout, channel.max_response_bytes) == (2.0, 64 * 1024 * 1024)
    assert (channel.limits.max_connections, channel.limits.keepalive_expiry) == (None, 4.0)
    assert channel.tls == ClientTLS()


def test_a_channel_begins_with_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "CONNECT_TIMEOUT": "0.5",
        "MAX_RESPONSE_BYTES": "100",
        "KEEP_ALIVE": "1.5",
        "CA_FILE": "/ca.pem",
        "CERT_FILE": "/client.pem",
        "KEY_FILE": "/client.key",
        "KEY_PASSWORD": "hunter2",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"SERVICE_HTTP_{name}", value)

    channel = DispatchJSONChannel()

    assert (channel.connect_timeout, channel.max_response_bytes, channel.limits.keepalive_expiry) == (0.5, 100, 1.5)
    assert channel.tls == ClientTLS(
        ca_file=Path("/ca.pem"),
        cert_file=Path("/client.pem"),
        key_file=Path("/client.key"),
        key_password=SecretStr("hunter2"),
    )


def test_an_empty_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_HTTP_CONNECT_TIMEOUT", "")
    assert HTTPSettings().connect_timeout == 2.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("connect_timeout", 0), ("connect_timeout", "inf"), ("max_response_bytes", 0), ("keep_alive", -1), ("other", 1)],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        HTTPSettings(**{name: value})  # type: ignore[arg-type]


def test_a_password_is_not_shown() -> None:
    settings = HTTPSettings(cert_file=Path("/client.pem"), key_password=SecretStr("hunter2"))
    assert "hunter2" not in f"{settings!r} {settings} {settings.tls!r} {DispatchJSONChannel()!r}"
    with pytest.raises(ValidationError) as caught:
        HTTPSettings(key_password=["hunter2"])  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_the_same_files_make_one_context_and_others_another(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    assert ClientTLS().context() is DispatchJSONChannel().tls.context()
    assert ClientTLS(ca_file=file).context() is ClientTLS(ca_file=file).context()
    assert ClientTLS(ca_file=file).context() is not ClientTLS().context()


@pytest.mark.parametrize("ca_file", [None, "ca.pem"])
def test_a_context_checks_certificates_and_names_with_tls_1_2_at_least(tmp_path: Path, ca_file: str | None) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ClientTLS(ca_file=ca_file and tmp_path / ca_file).context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_an_authority_of_ones_own_is_the_only_one(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert len(ClientTLS(ca_file=tmp_path / "ca.pem").context().get_ca_certs()) == 1


@pytest.mark.parametrize("name", ["key_file", "key_password"])
def test_a_key_without_a_certificate_is_refused(name: str) -> None:
    tls = ClientTLS(**{name: Path("/k.pem") if name == "key_file" else SecretStr("hunter2")})  # type: ignore[arg-type]
    with pytest.raises(
        LocalServiceException, match=r"setting 'cert_file' \(SERVICE_HTTP_CERT_FILE\) is missing"
    ) as reported:
        tls.context()
    assert "hunter2" not in str(reported.value)


def test_wrong_files_are_named_by_setting(tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_bytes(b"junk")
    with pytest.raises(LocalServiceException, match=r"setting 'ca_file' \(SERVICE_HTTP_CA_FILE\): .*no certificate in"):
        ClientTLS(ca_file=tmp_path / "junk.pem").context()
    with pytest.raises(LocalServiceException, match=r"setting 'cert_file' \(SERVICE_HTTP_CERT_FILE\): cannot read"):
        ClientTLS(cert_file=tmp_path / "absent.pem").context()


async def test_a_wrong_file_fails_the_call_where_tls_is_needed(tmp_path: Path) -> None:
    channel = DispatchJSONChannel()
    channel.tls = ClientTLS(ca_file=tmp_path / "absent.pem")
    for make in (channel.make_client, channel.make_async_client):
        with pytest.raises(LocalServiceException, match="setting 'ca_file'"):
            make()
