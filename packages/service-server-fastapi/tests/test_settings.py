"""Settings, and where they come from."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from service_server_fastapi import FastAPIServer, ServerSettings


def test_every_setting_has_a_default_and_none_waits_for_ever() -> None:
    settings = ServerSettings()

    times = [
        "receive_timeout",
        "health_timeout",
        "keep_alive",
        "drain_timeout",
        "shutdown_timeout",
    ]
    assert settings.propagation_delay is None  # 0.5 s or none at all, as the registry needs
    assert all(0 < getattr(settings, name) < 60 for name in times)
    assert (settings.expose_errors, settings.details, settings.report) == (False, False, False)


def test_the_environment_sets_what_code_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_HOST", "127.0.0.1")
    monkeypatch.setenv("SERVICE_SERVER_PORT", "9000")
    monkeypatch.setenv("SERVICE_SERVER_DRAIN_TIMEOUT", "1.5")

    server = FastAPIServer(port=0)

    assert (server.settings.host, server.settings.port, server.settings.drain_timeout) == ("127.0.0.1", 0, 1.5)


def test_arguments_of_the_server_win_over_given_settings() -> None:
    settings = ServerSettings(host="127.0.0.1", port=9000, expose_errors=True)

    server = FastAPIServer(port=9001, expose_errors=False, settings=settings)

    assert server.settings == ServerSettings(host="127.0.0.1", port=9001, expose_errors=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 70_000),
        ("port", -1),
        ("worker_threads", 0),
        ("max_body_bytes", 0),
        ("max_concurrency", 0),
        ("receive_timeout", 0),
        ("receive_timeout", "inf"),
        ("drain_timeout", -1),
        ("drain_timeout", "nan"),
        ("no_such_setting", 1),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        ServerSettings(**{name: value})  # type: ignore[arg-type]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ServerSettings().port = 1


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_PORT", "")
    monkeypatch.setenv("SERVICE_SERVER_CERT_FILE", "")
    assert (ServerSettings().port, ServerSettings().uses_tls) == (8000, False)


def test_what_a_cluster_writes_for_a_service_of_that_name_is_no_port(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SERVICE_SERVER_PORT", "tcp://10.96.0.17:80")
    monkeypatch.setenv("SERVICE_SERVER_SERVICE_HOST", "10.96.0.17")
    monkeypatch.setenv("SERVICE_SERVER_PORT_80_TCP_ADDR", "10.96.0.17")
    assert FastAPIServer().settings.port == 8000
    assert caplog.text == ""


def test_a_variable_that_no_setting_has_is_reported_with_a_suggestion(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SERVICE_SERVER_DRAIN_TIME_OUT", "5")
    for _ in range(2):
        FastAPIServer()
    [line] = [record.getMessage() for record in caplog.records]
    assert line == (
        "environment variable SERVICE_SERVER_DRAIN_TIME_OUT belongs to no setting; "
        "did you mean SERVICE_SERVER_DRAIN_TIMEOUT?"
    )


def test_what_code_gives_counts_whatever_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_PORT", "none")
    assert FastAPIServer("127.0.0.1", 8123).settings.port == 8123
