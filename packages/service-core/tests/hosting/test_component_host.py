"""Starting, registering and stopping the components of this process."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from memory_shop import CATALOG, InvoicesImpl, Memory, Office, OrdersImpl, Shop

from service_core.addresses import ChannelAddress
from service_core.declaring.decorators import health
from service_core.declaring.health import Health
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import AbstractComponent, ComponentStatus
from service_core.errors import LocalServiceException
from service_core.hosting.component_host import ComponentHost
from service_core.hosting.hosted_services import GivenImplementations
from service_core.hosting.server import Server
from service_core.registry.base import ComponentRegistry, LocalComponentRegistry

HERE = ChannelAddress("json", "http://here")


@pytest.fixture(autouse=True)
def forget() -> None:
    Memory.forget()


class Recorder(AbstractComponent):
    """A component that tells when it is started and stopped, and may fail to."""

    reported: list[str]

    def __init__(self, *failures: str) -> None:
        super().__init__()
        self.failures = failures
        Recorder.reported = []

    def startup(self) -> None:
        self._tell("startup")
        super().startup()

    def shutdown(self) -> None:
        self._tell("shutdown")
        super().shutdown()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("json", f"http://here:{port}")]

    def _tell(self, what: str) -> None:
        Recorder.reported.append(f"{type(self).__name__} {what}")
        if what in self.failures:
            raise OSError(f"{type(self).__name__} fails at {what}")


@implementation(catalog=CATALOG)
class ShopImpl(Recorder, Shop): ...


@health("/office/health")
@implementation(catalog=CATALOG)
class OfficeImpl(Recorder, Office): ...


class FakeServer(Server):
    """Keeps what is routed."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[], Awaitable[Health]]] = {}

    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        self.routes[path] = check


def hosting(*implementations: object, registry: ComponentRegistry | None = None) -> ComponentHost:
    return ComponentHost(registry or LocalComponentRegistry(), GivenImplementations(implementations, CATALOG), CATALOG)


def test_components_start_in_order_are_registered_and_stop_the_other_way_round() -> None:
    shop = ShopImpl()
    host, server = hosting(OrdersImpl(), shop, InvoicesImpl(), OfficeImpl()), FakeServer()
    host.start(server)
    assert Recorder.reported == ["ShopImpl startup", "OfficeImpl startup"]
    assert list(server.routes) == ["/office/health"]
    assert host._registry.snapshot("shop") == {}
    host.register(8000)
    registered = host._registry.snapshot("shop")
    assert registered is not None
    assert registered["json"].urls == ("http://here:8000",)
    assert shop.get_status() is ComponentStatus.RUNNING
    host.deregister()
    assert host._registry.snapshot("shop") == {}
    host.shutdown()
    assert Recorder.reported[2:] == ["OfficeImpl shutdown", "ShopImpl shutdown"]
    host.shutdown()
    assert len(Recorder.reported) == 4


async def test_the_health_of_a_component_is_routed() -> None:
    server = FakeServer()
    hosting(InvoicesImpl(), OfficeImpl()).start(server)
    assert await server.routes["/office/health"]() == Health()


def test_a_component_without_all_of_its_services_is_refused() -> None:
    with pytest.raises(LocalServiceException) as caught:
        hosting(ShopImpl()).start(FakeServer())
    assert str(caught.value) == (
        "component 'shop' is implemented here but its services Orders are not; add a class with @implementation() "
        "for each to the packages of the module"
    )
    assert Recorder.reported == []


def test_a_component_that_cannot_start_ends_those_before_it() -> None:
    host = hosting(OrdersImpl(), ShopImpl(), InvoicesImpl(), OfficeImpl("startup"))
    with pytest.raises(OSError, match="OfficeImpl fails at startup"):
        host.start(FakeServer())
    assert Recorder.reported == ["ShopImpl startup", "OfficeImpl startup", "ShopImpl shutdown"]


def test_the_error_of_a_start_is_not_lost_if_ending_fails_too() -> None:
    host = hosting(OrdersImpl(), ShopImpl("shutdown"), InvoicesImpl(), OfficeImpl("startup"))
    with pytest.raises(OSError, match="OfficeImpl fails at startup") as caught:
        host.start(FakeServer())
    (note,) = caught.value.__notes__
    assert "already failed to shut down: OSError('ShopImpl fails at shutdown')" in note


def test_a_component_that_fails_to_stop_keeps_none_from_stopping() -> None:
    host = hosting(OrdersImpl(), ShopImpl(), InvoicesImpl(), OfficeImpl("shutdown"))
    host.start(FakeServer())
    with pytest.raises(OSError, match="OfficeImpl fails at shutdown") as caught:
        host.shutdown()
    assert caught.value.__notes__ == ["in shutdown() of component 'office'"]
    assert Recorder.reported[2:] == ["OfficeImpl shutdown", "ShopImpl shutdown"]


def test_several_failures_to_stop_are_raised_together() -> None:
    host = hosting(OrdersImpl(), ShopImpl("shutdown"), InvoicesImpl(), OfficeImpl("shutdown"))
    host.start(FakeServer())
    with pytest.raises(ExceptionGroup, match="components failed to shut down") as caught:
        host.shutdown()
    assert [str(error) for error in caught.value.exceptions] == [
        "OfficeImpl fails at shutdown",
        "ShopImpl fails at shutdown",
    ]


def test_a_registry_that_fails_to_deregister_one_still_deregisters_the_others() -> None:
    class Failing(LocalComponentRegistry):
        def deregister(self, descriptor: Any) -> None:
            if descriptor.name == "shop":
                raise OSError("the registry is gone")
            super().deregister(descriptor)

    objects = (OrdersImpl(), ShopImpl(), InvoicesImpl(), OfficeImpl())
    host = hosting(*objects, registry=Failing())
    host.start(FakeServer())
    host.register(8000)
    with pytest.raises(OSError, match="the registry is gone"):
        host.deregister()
    assert host._registry.snapshot("office") == {}


@pytest.mark.parametrize("addresses", [(HERE,), None, ["http://here"]])
def test_addresses_of_another_kind_are_refused(addresses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShopImpl, "get_addresses", lambda self, port: addresses)
    host = hosting(OrdersImpl(), ShopImpl())
    host.start(FakeServer())
    with pytest.raises(LocalServiceException) as caught:
        host.register(8000)
    assert str(caught.value) == (
        f"ShopImpl.get_addresses (component 'shop') must return a list of ChannelAddress, not {addresses!r}"
    )


def test_the_report_names_status_services_and_addresses() -> None:
    host = hosting(OrdersImpl(), ShopImpl())
    assert host.report() == {}
    host.start(FakeServer())
    about = {"status": "running", "services": ["orders"], "addresses": "", "processes": [os.getpid()]}
    assert host.report() == {"shop": about}
    host.register(8000)
    assert host.report()["shop"]["addresses"] == "json(http://here:8000)"
    assert list(host.running) == ["shop"]
    assert list(host.offered.values()) == [[ChannelAddress("json", "http://here:8000")]]
