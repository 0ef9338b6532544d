"""Both libraries call each other over both dispatch channels."""

from __future__ import annotations

import asyncio

import pytest

from service_core import RemoteServiceException, ServiceManager, StaticComponentRegistry
from tests.interop.ours import CHANNELS, Item, Order, PeerService, ours_server
from tests.interop.processes import ANSWERS, peer_calls, peer_server


@pytest.fixture(scope="module")
def peer_url(peer_python: str) -> object:
    with peer_server(peer_python) as url:
        yield url


@pytest.mark.parametrize("channel", CHANNELS)
def test_ours_calls_an_aspyx_server(peer_url: str, channel: str) -> None:
    registry = StaticComponentRegistry({"peer-component": dict.fromkeys(CHANNELS, peer_url)})
    with ServiceManager(registry) as manager:
        peer = manager.get_service(PeerService, channel)
        order = Order(7, [Item(name="tea", price=2.5, tags=["a", "b"])])
        assert peer.hello("aspyx") == "hello aspyx"
        assert peer.order(order) == Order(8, order.items)
        with pytest.raises(RemoteServiceException, match="on purpose"):
            peer.fail("on purpose")


@pytest.mark.parametrize("channel", CHANNELS)
def test_ours_calls_an_async_method_of_an_aspyx_server(peer_url: str, channel: str) -> None:
    async def call() -> str:
        registry = StaticComponentRegistry({"peer-component": dict.fromkeys(CHANNELS, peer_url)})
        async with ServiceManager(registry) as manager:
            return await manager.get_service(PeerService, channel).hello_async("aspyx")

    assert asyncio.run(call()) == "hello aspyx"


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_aspyx_client_calls_ours(peer_python: str, channel: str) -> None:
    with ours_server() as url:
        assert peer_calls(peer_python, channel, url) == ANSWERS
