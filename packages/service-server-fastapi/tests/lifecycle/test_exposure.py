"""The warning about servers that everybody can call."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from service_server_fastapi import ServerSettings
from service_server_fastapi.lifecycle.exposure import warn_if_open


def warnings(caplog: pytest.LogCaptureFixture, *, has_verifier: bool = False, **settings: Any) -> list[str]:
    warn_if_open(ServerSettings(**settings), has_verifier=has_verifier)
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_server_on_all_addresses_without_any_check_is_warned_about(
    caplog: pytest.LogCaptureFixture, host: str
) -> None:
    (warning,) = warnings(caplog, host=host)
    assert "everybody who reaches this machine can call it" in warning
    assert "FastAPIServer(verifier=...)" in warning
    assert "the setting allowed_hosts (SERVICE_SERVER_ALLOWED_HOSTS)" in warning


def test_a_server_on_one_address_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, host="127.0.0.1") == []


def test_a_server_with_a_verifier_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, has_verifier=True) == []


def test_a_server_with_allowed_hosts_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, allowed_hosts=("shop.example.org",)) == []


def test_a_server_that_checks_certificates_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    files: dict[str, Any] = {"cert_file": Path("cert.pem"), "client_ca_file": Path("ca.pem")}
    assert warnings(caplog, **files) == []
