"""Registration with agents that refuse, come late, or lose registrations to others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from stub_agent import Ask, StubAgent, answer, serving, wait_for

from service_core.addresses import ChannelAddress
from service_core.testing import fresh_component
from service_registry_consul import ConsulComponentRegistry

REST = ChannelAddress("rest", "http://127.0.0.1:8000")


class Memory:
    """What an agent remembers of registrations."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self.refused: set[str] = set()

    def script(self, ask: Ask) -> bytes:
        """Answer as the agent does."""
        if ask.path == "/v1/agent/services":
            return answer(self.services)
        if ask.path == "/v1/agent/service/register":
            service = json.loads(ask.body)
            if service["Name"] in self.refused:
                return answer("Invalid Service Meta", status=400)
            self.services[service["ID"]] = {**service, "Service": service["Name"]}
        elif ask.path.startswith("/v1/agent/service/deregister/"):
            del self.services[ask.path.removeprefix("/v1/agent/service/deregister/")]
        return answer("")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def agent(memory: Memory) -> Iterator[StubAgent]:
    with serving(memory.script) as stub:
        yield stub


def registrations(agent: StubAgent) -> list[Any]:
    return [json.loads(ask.body) for ask in list(agent.asked) if ask.path.endswith("/register")]


def test_a_registration_is_sent_with_the_token_and_once(agent: StubAgent, memory: Memory) -> None:
    component = fresh_component()
    with ConsulComponentRegistry(0, agent.url, check="ttl", ttl=0.3, token="s3cret") as registry:
        registry.register(component, [REST])
        wait_for(lambda: registry.status().registered == (component.name,))
        wait_for(lambda: sum("/check/pass/" in ask.path for ask in list(agent.asked)) >= 3)
        assert len(registrations(agent)) == 1
        assert {ask.headers["x-consul-token"] for ask in agent.asked} == {"s3cret"}
    assert memory.services == {}


def test_a_refused_component_does_not_keep_others_from_being_registered(
    agent: StubAgent, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = fresh_component(), fresh_component()
    memory.refused.add(bad.name)
    with ConsulComponentRegistry(0, agent.url, check="ttl") as registry:
        registry.register(bad, [REST])
        registry.register(good, [REST])
        wait_for(lambda: registry.status().registered == (good.name,))
        wait_for(lambda: "answered 400 (Invalid Service Meta)" in caplog.text)
        assert not registry.status().connected
        memory.refused.clear()
        wait_for(lambda: set(registry.status().registered) == {bad.name, good.name})
        wait_for(lambda: registry.status().connected)


def test_a_registration_changed_from_outside_is_restored(agent: StubAgent, memory: Memory) -> None:
    component = fresh_component()
    with ConsulComponentRegistry(0, agent.url, check="ttl", reconcile_interval=0.2) as registry:
        registry.register(component, [REST])
        wait_for(lambda: memory.services)
        service_id = next(iter(memory.services))
        memory.services[service_id] |= {"Meta": {"channels": "rest(http://evil:1)"}}
        wait_for(lambda: memory.services[service_id]["Meta"] == {"channels": f"rest({REST.uri})"})
        del memory.services[service_id]
        wait_for(lambda: service_id in memory.services)


def test_a_component_that_moves_leaves_nothing_behind(agent: StubAgent, memory: Memory) -> None:
    component = fresh_component()
    with ConsulComponentRegistry(0, agent.url, check="ttl") as registry:
        registry.register(component, [REST])
        wait_for(lambda: memory.services)
        registry.register(component, [ChannelAddress("rest", "http://127.0.0.1:9000")])
        wait_for(lambda: list(memory.services) == [f"127.0.0.1:9000:{component.name}"])
        registry.register(component, [ChannelAddress("local", "local")])
        wait_for(lambda: memory.services == {})
        assert registry.status().registered == ()


def test_deregistering_returns_when_the_agent_knows(agent: StubAgent, memory: Memory) -> None:
    component = fresh_component()
    with ConsulComponentRegistry(0, agent.url, check="ttl") as registry:
        registry.register(component, [REST])
        wait_for(lambda: memory.services)
        registry.deregister(component)
        assert memory.services == {}
        registry.deregister(component)


@pytest.mark.parametrize("services", ["[]", "null", "malformed_answer", "3"])
def test_a_malformed_answer_does_not_mean_that_the_agent_has_lost_the_registration(
    agent: StubAgent, services: str
) -> None:
    component = fresh_component()
    agent.script = lambda ask: answer(services)
    with ConsulComponentRegistry(0, agent.url, check="ttl") as registry:
        registry.register(component, [REST])
        wait_for(lambda: "not from Consul" in (registry.status().last_error or ""))
        assert registrations(agent) == []
        assert registry.status().registered == ()


def test_deregistering_at_an_agent_that_is_not_there_does_not_add_up() -> None:
    components = [fresh_component() for _ in range(20)]
    with serving(lambda _: None) as agent:
        url = agent.url
    with ConsulComponentRegistry(0, url, check="ttl", close_timeout=30) as registry:
        for component in components:
            registry.register(component, [REST])
        wait_for(lambda: registry.status().last_error)
        done = threading.Event()

        def leave() -> None:
            for component in components:
                registry.deregister(component)
            done.set()

        threading.Thread(target=leave).start()
        assert done.wait(25)  # less than one timeout, for all twenty


def test_an_invalid_host_of_the_agent_is_reported_in_the_status() -> None:
    component = fresh_component()
    with ConsulComponentRegistry(0, "no such host!", check="ttl") as registry:
        registry.register(component, [REST])
        registry.snapshot(component.name)
        wait_for(lambda: registry.status().last_error)
        assert "check setting 'url'" in str(registry.status().last_error)
