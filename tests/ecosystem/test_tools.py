"""Tools that people use beside the framework, as they use them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any
from unittest import mock

import httpx
import jedi
import pytest
import respx
import trio

from service_channels_http import DispatchJSONChannel
from service_core import (
    Catalog,
    ChannelFactory,
    Component,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    service,
)

CATALOG = Catalog()
URL = "http://orders.test:8000"


@service(name="orders", catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def find(self, number: int) -> str: ...

    @abstractmethod
    async def find_async(self, number: int) -> str: ...


@component(name="shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


class ThroughHTTPX(DispatchJSONChannel):
    """Sends with httpx, which mocks and recorders see; any make_client of one's own does so."""

    name = "dispatch-json"

    def make_client(self) -> httpx.Client:
        return httpx.Client()


def manager() -> ServiceManager:
    factory = ChannelFactory(create=lambda cls: ThroughHTTPX(), catalog=CATALOG)
    return ServiceManager(StaticComponentRegistry({"shop": {"dispatch-json": URL}}), factory, catalog=CATALOG)


def test_respx_answers_calls_that_are_sent_through_httpx() -> None:
    with respx.mock(base_url=URL) as router, manager() as services:
        route = router.post("/invoke").respond(json={"result": "order 7", "exception": None})

        assert services.get_service(Orders).find(7) == "order 7"
        assert route.called


def test_a_mock_of_an_interface_has_its_signatures() -> None:
    orders: Any = mock.create_autospec(Orders, instance=True)
    orders.find.return_value = "order 7"

    assert orders.find(7) == "order 7"
    with pytest.raises(TypeError, match="missing a required argument"):
        orders.find()
    assert isinstance(orders.find_async, mock.AsyncMock)


def test_a_call_under_trio_fails_with_an_error_and_does_not_hang() -> None:
    async def call() -> None:
        with trio.fail_after(30), manager() as services:
            await services.get_service(Orders).find_async(7)

    with pytest.raises(RuntimeError, match="no running event loop"):
        trio.run(call)


def test_jedi_completes_methods_of_an_annotated_service() -> None:
    source = "from tests.ecosystem.test_tools import Orders\norders: Orders\norders.fi"

    names = [completion.name for completion in jedi.Script(source).complete(3, len("orders.fi"))]

    assert names == ["find", "find_async"]
