"""Both libraries find each other through Consul and call each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service_core import Server, ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.interop.ours import CHANNELS, PeerComponent, PeerService, ours_server
from tests.interop.processes import ANSWERS, peer_calls, peer_server
from tests.support.consul import ConsulAgent


@pytest.fixture
def agent() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


def test_ours_finds_and_calls_an_aspyx_server(peer_python: str, agent: ConsulAgent) -> None:
    with (
        peer_server(peer_python, str(agent.port)),
        ServiceManager(ConsulComponentRegistry(0, agent.url)) as manager,
    ):
        manager.wait_for(PeerComponent, 30.0)
        answers = [manager.get_service(PeerService, channel).hello("aspyx") for channel in CHANNELS]
    assert answers == ["hello aspyx", "hello aspyx"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_aspyx_client_finds_and_calls_ours(peer_python: str, agent: ConsulAgent, channel: str) -> None:
    with ours_server(lambda: ConsulComponentRegistry(Server.port, agent.url)):
        with ServiceManager(ConsulComponentRegistry(0, agent.url)) as manager:
            manager.wait_for(PeerComponent, 30.0)
        assert peer_calls(peer_python, channel, str(agent.port)) == ANSWERS
