"""Both libraries call each other by plain HTTP requests."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from service_core import (
    Catalog,
    Component,
    ErrorCode,
    ProtocolException,
    RemoteServiceException,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    service,
)
from service_core.rest import get, rest
from tests.interop.ours import Item, Order, PeerRest, ours_server
from tests.interop.processes import ANSWERS, peer_calls, peer_server

mistaken = Catalog()


@service(catalog=mistaken)
@rest("/peer")
class Mistaken(Service):
    """Takes the limit for a text."""

    @abstractmethod
    @get("/search")
    def search(self, text: str, limit: str) -> list[str]: ...


@component("peer", services=[Mistaken], catalog=mistaken)
class MistakenComponent(Component): ...


ORDER = Order(7, [Item(name="tea", price=2.5, tags=["a", "b"])])


@pytest.fixture(scope="module")
def peer_url(peer_python: str) -> object:
    with peer_server(peer_python) as url:
        yield url


SYNC: dict[str, tuple[Callable[[PeerRest], Any], Any]] = {
    "get": (lambda peer: peer.hello("a b"), "hello a b"),
    "query": (lambda peer: peer.search("a&b", 2), ["a&b", "a&b"]),
    "post": (lambda peer: peer.order(ORDER), Order(8, ORDER.items)),
    "put": (lambda peer: peer.renumber(7, by=2), 9),
    "delete": (lambda peer: peer.cancel(7), True),
    "nothing": (lambda peer: peer.nothing(), None),
}
ASYNC: dict[str, tuple[Callable[[PeerRest], Any], Any]] = {
    "get": (lambda peer: peer.hello_async("a b"), "hello a b"),
    "post": (lambda peer: peer.order_async(ORDER), Order(8, ORDER.items)),
    "put": (lambda peer: peer.renumber_async(7, by=2), 9),
    "delete": (lambda peer: peer.cancel_async(7), True),
}


@pytest.mark.parametrize("verb", SYNC)
def test_ours_calls_an_aspyx_server(peer_url: str, verb: str) -> None:
    call, answer = SYNC[verb]
    with ServiceManager(StaticComponentRegistry({"peer-component": {"rest": peer_url}})) as manager:
        assert call(manager.get_service(PeerRest)) == answer


@pytest.mark.parametrize("verb", ASYNC)
def test_ours_calls_an_async_method_of_an_aspyx_server(peer_url: str, verb: str) -> None:
    call, answer = ASYNC[verb]

    async def run() -> Any:
        async with ServiceManager(StaticComponentRegistry({"peer-component": {"rest": peer_url}})) as manager:
            return await call(manager.get_service(PeerRest))

    assert asyncio.run(run()) == answer


def test_a_failure_of_an_aspyx_server_cannot_be_distinguished_from_that_of_a_gateway(peer_url: str) -> None:
    """Over REST aspyx-service answers a failure with a bare 500, which a proxy sends as well."""
    manager = ServiceManager(StaticComponentRegistry({"peer-component": {"rest": peer_url}}))
    with manager, pytest.raises(ProtocolException, match="HTTP 500") as caught:
        manager.get_service(PeerRest).fail("on purpose")
    assert caught.value.may_have_run


def test_wrong_arguments_are_reported_by_an_aspyx_server(peer_url: str) -> None:
    manager = ServiceManager(StaticComponentRegistry({"peer": {"rest": peer_url}}), catalog=mistaken)
    with manager, pytest.raises(RemoteServiceException, match="valid integer") as caught:
        manager.get_service(Mistaken).search("a", "b")
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert [place["loc"] for place in caught.value.details] == [["query", "limit"]]


def test_an_aspyx_client_calls_ours(peer_python: str) -> None:
    with ours_server() as url:
        answers = peer_calls(peer_python, "rest", url)
    assert answers == ANSWERS | {
        "failure": "ServiceCommunicationException",  # its rest channel makes that of every failure
        "search": ["a b", "a b"],
        "put": 9,
        "delete": True,
        "put async": 9,
        "delete async": True,
    }
