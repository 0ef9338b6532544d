"""Variables of the environment that no setting has."""

from __future__ import annotations

import pytest

from service_server_fastapi import FastAPIServer


def test_a_misspelt_variable_is_named_with_the_setting_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SERVICE_SERVER_PROT", "8001")
    FastAPIServer("127.0.0.1", 0)

    assert "SERVICE_SERVER_PROT" in caplog.text
    assert "SERVICE_SERVER_PORT" in caplog.text
