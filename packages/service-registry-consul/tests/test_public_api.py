from __future__ import annotations

import service_registry_consul
from service_registry_consul import ConsulComponentRegistry


def test_exported_names_are_pinned() -> None:
    assert service_registry_consul.__all__ == ["ConsulComponentRegistry", "ConsulSettings", "ConsulStatus"]


def test_a_registry_says_where_it_looks_and_nothing_secret() -> None:
    registry = ConsulComponentRegistry(8000, "http://consul:8500", token="s3cret")
    assert registry.describe() == "ConsulComponentRegistry at http://consul:8500"
    assert "s3cret" not in repr(registry) + str(vars(registry))


def test_nothing_is_asked_before_it_is_needed() -> None:
    with ConsulComponentRegistry(8000, "http://127.0.0.1:1") as registry:
        assert registry.status().last_error is None
        assert registry.status().watched == ()
