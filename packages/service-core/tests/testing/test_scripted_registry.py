"""The scripted registry keeps the contract of registries, and fails on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service_core import ComponentRegistry, LocalServiceException
from service_core.testing import RegistrationContract, ScriptedRegistry, SnapshotRecorder

ONE, OTHER = "memory://1", "memory://2"


class TestScriptedRegistry(RegistrationContract):
    @contextmanager
    def registries(self) -> Iterator[tuple[ComponentRegistry, ComponentRegistry]]:
        with ScriptedRegistry() as registry:
            yield registry, registry


def urls(registry: ComponentRegistry, component: str = "orders") -> list[str]:
    snapshot = registry.snapshot(component)
    return [url for found in (snapshot or {}).values() for url in found.urls]


def test_an_offer_replaces_the_one_before() -> None:
    registry = ScriptedRegistry({"orders": {"dispatch-json": ONE}})
    registry.offer("orders", {"dispatch-json": [OTHER, ONE]})
    assert urls(registry) == [OTHER, ONE]


def test_what_is_withdrawn_is_gone() -> None:
    registry = ScriptedRegistry({"orders": {"dispatch-json": ONE}})
    registry.withdraw("orders")
    assert registry.snapshot("orders") == {}


def test_while_it_fails_what_was_known_stays_known() -> None:
    registry, listener = ScriptedRegistry({"orders": {"dispatch-json": ONE}}), SnapshotRecorder()
    registry.subscribe("orders", listener)
    registry.fail()
    registry.offer("orders", {"dispatch-json": OTHER})
    registry.withdraw("orders")
    assert urls(registry) == [ONE]
    assert len(listener.snapshots) == 1


def test_while_it_fails_components_not_watched_before_are_unknown() -> None:
    registry = ScriptedRegistry()
    registry.fail()
    registry.offer("orders", {"dispatch-json": ONE})
    assert registry.snapshot("orders") is None
    assert registry.snapshot("parcels") is None


def test_after_it_has_recovered_it_knows_what_has_changed() -> None:
    registry, listener = ScriptedRegistry({"orders": {"dispatch-json": ONE}}), SnapshotRecorder()
    registry.subscribe("orders", listener)
    registry.fail()
    registry.snapshot("parcels")
    registry.offer("orders", {"dispatch-json": OTHER})
    registry.recover()
    assert urls(registry) == [OTHER]
    assert registry.snapshot("parcels") == {}
    assert len(listener.snapshots) == 2


def test_an_offer_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(LocalServiceException, match="component 'orders', channel 'dispatch-json': addresses"):
        ScriptedRegistry({"orders": {"dispatch-json": 8000}})
