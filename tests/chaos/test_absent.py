"""A component without instances."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from service_core import ComponentRegistry, ComponentUnavailableException, ServiceManager
from service_core.testing import ScriptedRegistry
from service_registry_consul import ConsulComponentRegistry
from tests.chaos.ledger import COMPONENT, Ledger
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures


@pytest.fixture(params=["scripted", "Consul"])
def registry(request: pytest.FixtureRequest) -> Iterator[ComponentRegistry]:
    if request.param == "scripted":
        yield ScriptedRegistry()
        return
    with ConsulAgent() as agent:
        yield ConsulComponentRegistry(0, agent.url)


def test_every_request_for_it_fails_at_once(
    registry: ComponentRegistry, figures: Figures, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["registry"]
    with ServiceManager(registry) as manager:
        ledger = manager.get_service(Ledger)
        for time_of_asking in ("first", "second"):
            begin = time.monotonic()
            with pytest.raises(ComponentUnavailableException, match=COMPONENT) as caught:
                ledger.read("entry")
            elapsed = (time.monotonic() - begin) * 1000
            assert not caught.value.may_have_run
            figures.add(f"no instance, {name} registry: error at the {time_of_asking} call after", elapsed, "ms")
