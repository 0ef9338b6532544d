from __future__ import annotations

import pytest
from stub_agent import wait_for

from service_core.errors import ComponentUnavailableException
from service_registry_consul import ConsulComponentRegistry


def test_a_registry_says_where_it_looks_and_nothing_secret() -> None:
    registry = ConsulComponentRegistry(8000, "http://consul:8500", token="s3cret")
    assert registry.describe() == "ConsulComponentRegistry at http://consul:8500"
    assert "s3cret" not in repr(registry) + str(vars(registry))


def test_no_query_is_sent_before_it_is_needed() -> None:
    with ConsulComponentRegistry(8000, "http://127.0.0.1:1") as registry:
        assert registry.status().last_error is None
        assert registry.status().watched == ()


def test_an_error_about_a_component_says_what_is_wrong_with_consul() -> None:
    with ConsulComponentRegistry(0, "http://127.0.0.1:1") as registry:
        registry.snapshot("c")
        wait_for(lambda: registry.status().last_error)
        with pytest.raises(
            ComponentUnavailableException,
            match=r"no instance of component 'c' .*cannot reach Consul at http://127\.0\.0\.1:1 .*'url'",
        ):
            registry.wait_for("c", 0.01)
