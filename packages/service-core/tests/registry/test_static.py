"""Addresses that are given: in code, in a file, in the environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service_core.addresses import ChannelAddress
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import LocalServiceException
from service_core.registry.base import snapshot_of
from service_core.registry.static import StaticComponentRegistry
from service_core.registry.subscription import Snapshot

JSON = ChannelAddress("json", "http://h:1")
REST = ChannelAddress("rest", "http://h:1/api")
SHOP = ComponentDescriptor(name="shop", type=object, description="", services=())


def shop(*addresses: ChannelAddress) -> Snapshot:
    return snapshot_of("shop", [addresses])


WAYS: dict[str, Any] = {
    "one url": {"shop": {"json": "http://h:1"}},
    "several urls": {"shop": {"json": ["http://h:1"]}},
    "text": {"shop": "json(http://h:1)"},
}


@pytest.mark.parametrize("components", WAYS.values(), ids=WAYS)
def test_addresses_are_given_in_several_ways(components: Any) -> None:
    assert StaticComponentRegistry(components).snapshot("shop") == shop(JSON)


@pytest.mark.parametrize("several", [False, True])
def test_an_instance_can_have_metadata(several: bool) -> None:
    about = {"url": "http://h:1", "zone": "a", "weight": 5}
    registry = StaticComponentRegistry({"shop": {"json": [about, "http://h:2"] if several else about}})
    found = (registry.snapshot("shop") or {})["json"]
    assert found.urls == (("http://h:1", "http://h:2") if several else ("http://h:1",))
    assert found.metadata == {"http://h:1": {"zone": "a", "weight": "5"}}


def test_a_component_that_was_not_given_has_no_instances() -> None:
    assert StaticComponentRegistry({}).snapshot("shop") == {}


def test_registering_changes_nothing() -> None:
    registry = StaticComponentRegistry({"shop": "json(http://h:1)"})
    registry.register(SHOP, [REST])
    registry.deregister(SHOP)
    assert registry.snapshot("shop") == shop(JSON)


def test_it_names_what_it_knows() -> None:
    assert StaticComponentRegistry({}).describe() == "StaticComponentRegistry with no component"
    known = StaticComponentRegistry({"b": {}, "a": {}})
    assert known.describe() == "StaticComponentRegistry with a, b"


HOW_TO = "addresses are given as {component: {channel: url or [urls]}} or {component: 'channel(url),...'}"

WRONG: list[tuple[Any, str]] = [
    (["shop"], f"{HOW_TO}, not list"),
    ({"shop": 5}, f"component 'shop': {HOW_TO}, not 5"),
    ({5: {"json": "http://h"}}, f"component 5: {HOW_TO}, not {{'json': 'http://h'}}"),
    ({5: "json(http://h)"}, f"component 5: {HOW_TO}, not 'json(http://h)'"),
    (
        {"shop": "http://h"},
        "component 'shop': expected 'channel(uri)' at 'http://h'; write {'shop': {'dispatch-msgpack': 'http://h'}}",
    ),
    ({"shop": {"json": 5}}, f"component 'shop', channel 'json': {HOW_TO}, not 5"),
    ({"shop": {"json": [5]}}, f"component 'shop', channel 'json': {HOW_TO}, not [5]"),
    ({"shop": {"json": b"http://h"}}, f"component 'shop', channel 'json': {HOW_TO}, not b'http://h'"),
    ({"shop": {5: "http://h"}}, f"component 'shop', channel 5: {HOW_TO}, not 'http://h'"),
]


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(LocalServiceException) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize(("components", "message"), WRONG)
def test_addresses_in_another_form_are_refused(components: Any, message: str) -> None:
    assert refusal(lambda: StaticComponentRegistry(components)) == message


@pytest.mark.parametrize(
    ("name", "text"),
    [("addresses.json", '{"shop": {"json": "http://h:1"}}'), ("addresses.toml", '[shop]\njson = ["http://h:1"]\n')],
)
def test_addresses_come_from_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert StaticComponentRegistry.from_file(tmp_path / name).snapshot("shop") == shop(JSON)
    assert StaticComponentRegistry.from_file(str(tmp_path / name)).snapshot("shop") == shop(JSON)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("a.json", b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ("a.json", b"[]", f"{HOW_TO}, not list"),
        ("a.json", b'{"shop": 5}', f"component 'shop': {HOW_TO}, not 5"),
        ("a.toml", b"shop =", "Invalid value (at end of document)"),
        ("a.yaml", b"", "addresses are read from .json and .toml files"),
        ("addresses", b"", "addresses are read from .json and .toml files"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert refusal(lambda: StaticComponentRegistry.from_file(file)) == f"{file}: {message}"


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        StaticComponentRegistry.from_file(tmp_path / "a.json")


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_COMPONENTS", json.dumps({"shop": {"json": "http://h:1"}}))
    monkeypatch.setenv("MINE", json.dumps({"shop": "rest(http://h:1/api)"}))
    assert StaticComponentRegistry.from_env().snapshot("shop") == shop(JSON)
    assert StaticComponentRegistry.from_env("MINE").snapshot("shop") == shop(REST)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, " is not set; give it addresses as JSON, for example "),
        ("{", " is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"shop": 5}', f": component 'shop': {HOW_TO}, not 5"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str | None, message: str
) -> None:
    monkeypatch.delenv("MINE", raising=False)
    if text is not None:
        monkeypatch.setenv("MINE", text)
    assert refusal(lambda: StaticComponentRegistry.from_env("MINE")).startswith(f"environment variable MINE{message}")
