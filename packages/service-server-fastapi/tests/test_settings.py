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
        "propagation_delay",
        "drain_timeout",
        "shutdown_timeout",
    ]
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
