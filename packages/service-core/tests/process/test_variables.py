"""Variables that belong to no setting, and those that a cluster sets."""

from __future__ import annotations

import pytest

from service_core.process import variables
from service_core.process.variables import is_service_link, warn_about_unknown


@pytest.fixture(autouse=True)
def nothing_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "_reported", set())


@pytest.mark.parametrize("value", ["tcp://10.0.0.1:80", "udp://10.0.0.1:53", "sctp://[::1]:9"])
def test_the_address_of_a_service_of_a_cluster_is_recognized(value: str) -> None:
    assert is_service_link(value)


@pytest.mark.parametrize("value", ["", "8000", "http://10.0.0.1:80", 8000, None])
def test_other_values_are_none(value: object) -> None:
    assert not is_service_link(value)


def test_a_misspelt_variable_is_named_with_the_setting_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SHOP_PROT", "8000")
    warn_about_unknown("SHOP_", ["host", "port"])
    assert caplog.messages == ["environment variable SHOP_PROT belongs to no setting; did you mean SHOP_PORT?"]


def test_for_a_variable_that_resembles_none_all_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SHOP_XYZ", "secret")
    warn_about_unknown("SHOP_", ["port", "host"])
    [message] = caplog.messages
    assert message == (
        "environment variable SHOP_XYZ belongs to no setting; settings with this prefix: SHOP_HOST, SHOP_PORT"
    )


def test_each_variable_is_reported_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("SHOP_XYZ", "1")
    for _ in range(3):
        warn_about_unknown("SHOP_", ["port"])
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHOP_PORT", "8000"),
        ("shop_port", "8000"),
        ("OTHER_PROT", "8000"),
        ("SHOP_SERVICE_HOST", "10.0.0.1"),
        ("SHOP_SERVICE_PORT", "80"),
        ("SHOP_SERVICE_PORT_HTTP", "80"),
        ("SHOP_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("SHOP_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("SHOP_PORT_80_TCP_PROTO", "tcp"),
    ],
)
def test_settings_other_prefixes_and_what_a_cluster_sets_for_a_service_are_not_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    warn_about_unknown("SHOP_", ["port"])
    assert caplog.messages == []
