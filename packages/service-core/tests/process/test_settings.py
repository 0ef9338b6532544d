"""Settings that are given in code or by environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, Field, SecretStr, ValidationError

from service_core.process import EnvironmentSettings


class ShopSettings(EnvironmentSettings):
    prefix = "SHOP_"

    host: str = "localhost"
    port: int = Field(default=80, ge=0)
    file: Path | None = None
    token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SHOP_TOKEN", "GENERAL_TOKEN"))


def test_code_wins_over_the_environment_and_that_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOST", "environment")
    monkeypatch.setenv("SHOP_PORT", "81")
    settings = ShopSettings(host="code")
    assert (settings.host, settings.port, settings.file) == ("code", 81, None)


@pytest.mark.parametrize("variable", ["SHOP_FILE", "shop_file", "Shop_File"])
def test_variables_have_any_case(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/a")
    assert ShopSettings().file == Path("/a")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "")
    monkeypatch.setenv("SHOP_FILE", "")
    assert (ShopSettings().port, ShopSettings().file) == (80, None)


def test_aliases_are_the_names_of_variables_the_first_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERAL_TOKEN", "general")
    assert ShopSettings().token == SecretStr("general")
    monkeypatch.setenv("SHOP_TOKEN", "own")
    assert ShopSettings().token == SecretStr("own")
    assert ShopSettings(token=SecretStr("code")).token == SecretStr("code")


def test_the_address_of_a_service_of_a_cluster_is_ignored_for_a_port_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("SHOP_HOST", "tcp://10.0.0.1:80")
    assert (ShopSettings().port, ShopSettings().host) == (80, "tcp://10.0.0.1:80")


@pytest.mark.parametrize(("name", "value"), [("port", -1), ("port", "http"), ("prot", 80)])
def test_a_wrong_value_and_an_unknown_name_are_refused_without_the_value(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name) as refused:
        ShopSettings(**{name: value})
    assert "input_value" not in str(refused.value)


def test_a_wrong_variable_is_refused_by_the_name_of_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "eighty")
    with pytest.raises(ValidationError, match="port"):
        ShopSettings()


def test_settings_do_not_change() -> None:
    settings = ShopSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
