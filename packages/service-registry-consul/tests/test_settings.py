from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import consul
import pytest
from pydantic import SecretStr, ValidationError

from service_registry_consul import ConsulComponentRegistry, ConsulSettings
from service_registry_consul.settings import settings_of


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_CACERT", "SERVICE_CONSUL_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "address", "host", "port"),
    [
        ("localhost", "http://localhost:8500", "localhost", 8500),
        ("10.0.0.1:80", "http://10.0.0.1:80", "10.0.0.1", 80),
        ("https://consul.example", "https://consul.example:8500", "consul.example", 8500),
        ("http://h:1/", "http://h:1", "h", 1),
        ("[::1]:8501", "http://[::1]:8501", "::1", 8501),
    ],
)
def test_an_address_may_be_short(url: str, address: str, host: str, port: int) -> None:
    settings = ConsulSettings(url=url)
    assert (settings.address, settings.host, settings.port) == (address, host, port)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://h:1", "'ftp' is not supported; write http"),
        ("unix:///run/consul", "'unix' is not supported; write http"),
        ("http://user:pw@h:1", "it holds credentials; use setting 'token' for them"),
        ("http://h:port", "url"),
        ("http://:8500", "it has no host"),
        ("", "it has no host"),
    ],
)
def test_an_address_that_can_never_work_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        ConsulSettings(url=url)
    assert "url" in str(caught.value)


def test_the_scheme_counts_where_the_address_has_none() -> None:
    assert ConsulSettings(url="h:1", scheme="https").address == "https://h:1"
    assert ConsulSettings(url="http://h:1", scheme="https").address == "http://h:1"


def test_the_environment_is_read_and_code_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "of-consul:1")
    assert ConsulSettings().address == "http://of-consul:1"
    monkeypatch.setenv("SERVICE_CONSUL_URL", "of-ours:2")
    monkeypatch.setenv("SERVICE_CONSUL_WAIT", "30")
    monkeypatch.setenv("SERVICE_CONSUL_TAGS", '["blue"]')
    monkeypatch.setenv("SERVICE_CONSUL_ALLOW_CIDRS", '["10.0.0.0/8"]')
    settings = ConsulSettings()
    assert (settings.address, settings.wait, settings.tags) == ("http://of-ours:2", 30.0, ("blue",))
    assert settings.allow_cidrs == (ipaddress.ip_network("10.0.0.0/8"),)
    assert ConsulSettings(url="of-code:3", wait=5).address == "http://of-code:3"


def test_lists_of_the_environment_may_be_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_CONSUL_TAGS", "blue, green")
    monkeypatch.setenv("SERVICE_CONSUL_ALLOW_CIDRS", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv("SERVICE_CONSUL_METADATA", '{"zone": "eu-1"}')
    settings = ConsulSettings()
    assert (settings.tags, settings.metadata) == (("blue", "green"), {"zone": "eu-1"})
    assert settings.allow_cidrs == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def test_general_variables_are_not_taken_for_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "http://elsewhere:1")
    monkeypatch.setenv("TOKEN", "of-another")
    settings = ConsulSettings()
    assert (settings.host, settings.token) == ("127.0.0.1", None)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"wait": 0}, "wait"),
        ({"wait": 10_000}, "wait"),
        ({"max_queries": -1}, "max_queries"),
        ({"check": "grpc"}, "check"),
        ({"ttl": -1}, "ttl"),
        ({"allow_cidrs": ["10.0.0.1/8"]}, "allow_cidrs"),
        ({"advertise_port": 70_000}, "advertise_port"),
        ({"token": "a\nb"}, "a token is printable ASCII"),
        ({"key_file": "k.pem"}, "'key_file' is given without 'cert_file'"),
        ({"recoincile_interval": 3}, "recoincile_interval"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        ConsulComponentRegistry(8000, "h:1", **options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "ftp://h:1"),
        ("wait", "long"),
        ("check", "grpc"),
        ("metadata", "zone=eu-1"),
        ("metadata", "[]"),
        ("tags", "[blue]"),
    ],
)
def test_a_wrong_variable_is_refused_with_the_names_of_variables_and_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SERVICE_CONSUL_{name.upper()}", value)
    with pytest.raises(ValidationError, match=rf"environment variables SERVICE_CONSUL_<NAME>\)\n.*(?i:{name})\n"):
        ConsulComponentRegistry(8000)


def test_a_refusal_does_not_show_the_token() -> None:
    with pytest.raises(ValidationError) as caught:
        ConsulSettings(token="hunter2", key_file=Path("k.pem"))  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_a_token_from_a_file_may_end_with_a_line_break_and_is_not_shown() -> None:
    settings = ConsulSettings(token=SecretStr("abc\n"))
    assert settings.token is not None
    assert settings.token.get_secret_value() == "abc"
    assert "abc" not in repr(settings)
    assert ConsulSettings(token=SecretStr(" ")).token is None


def test_options_win_over_settings() -> None:
    given = ConsulSettings(url="h:1", wait=30, tags=("a",))
    settings = settings_of(given, {"wait": 5})
    assert (settings.address, settings.wait, settings.tags) == ("http://h:1", 5.0, ("a",))


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        ({"verify": True, "cert": None}, {"verify": True, "ca_file": None, "cert_file": None, "key_file": None}),
        ({"verify": False, "cert": "c.pem"}, {"verify": False, "cert_file": Path("c.pem"), "key_file": None}),
        (
            {"verify": "ca.pem", "cert": ("c.pem", "k.pem")},
            {"verify": True, "ca_file": Path("ca.pem"), "cert_file": Path("c.pem"), "key_file": Path("k.pem")},
        ),
    ],
)
def test_all_settings_of_a_client_object_are_taken(http: dict[str, Any], expected: dict[str, Any]) -> None:
    client = consul.Consul.__new__(consul.Consul)
    client.http = SimpleNamespace(host="h", port=8501, scheme="https", **http)
    client.token, client.dc = "t", "dc2"
    settings = settings_of(client, {})
    assert settings.token is not None
    assert (settings.address, settings.token.get_secret_value(), settings.datacenter) == ("https://h:8501", "t", "dc2")
    assert {name: getattr(settings, name) for name in expected} == expected


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a URL, a consul\.Consul or ConsulSettings, not 8500"):
        settings_of(8500, {})  # pyright: ignore[reportArgumentType]


def test_tls_is_used_for_https_only_and_checks_certificates_by_default() -> None:
    assert ConsulSettings(url="http://h:1").ssl_context() is None
    strict = ConsulSettings(url="https://h:1").ssl_context()
    lax = ConsulSettings(url="https://h:1", verify=False).ssl_context()
    assert strict is not None
    assert lax is not None
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert lax.verify_mode == ssl.CERT_NONE
