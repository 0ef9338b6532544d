"""Giving out services, and starting and stopping the components of this process."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_core.address import ChannelAddress
from service_core.catalog import Catalog
from service_core.channel import Channel
from service_core.decorators import channel, component, health, implementation, service
from service_core.errors import (
    ChannelNotInstalledException,
    ComponentUnavailableException,
    DeclarationException,
    LocalServiceException,
)
from service_core.factory import ChannelFactory
from service_core.health import Health
from service_core.interfaces import AbstractComponent, Component, ComponentStatus, Service
from service_core.manager import ServiceManager
from service_core.policy import Policy
from service_core.proxy import Invocation
from service_core.registry import LocalComponentRegistry, StaticComponentRegistry
from service_core.server import Server

CATALOG = Catalog()
HERE = ChannelAddress("json", "http://here")


@service(catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    def place(self) -> str: ...


@service(catalog=CATALOG)
class Invoices(Service):
    @abstractmethod
    def write(self) -> str: ...


@service(catalog=CATALOG)
class Loose(Service):
    @abstractmethod
    def call(self) -> str: ...


@component("shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


@component("office", services=[Invoices], catalog=CATALOG)
class Office(Component): ...


class Memory(Channel):
    """Answers with its name and the address that it chose."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    def invoke(self, invocation: Invocation) -> Any:
        return f"{invocation.descriptor.name} over {self.name} at {self.get_url()}"

    async def invoke_async(self, invocation: Invocation) -> Any:
        return self.invoke(invocation)

    def close(self) -> None:
        self.ended.append("close")

    async def aclose(self) -> None:
        self.ended.append("aclose")


@channel("json", catalog=CATALOG)
class JSON(Memory): ...


@channel("rest", catalog=CATALOG)
class Rest(Memory): ...


@implementation(inline=True, catalog=CATALOG)
class OrdersImpl(Orders):
    def place(self) -> str:
        return "placed here"


@implementation(catalog=CATALOG)
class InvoicesImpl(Invoices):
    def write(self) -> str:
        return "written here"


class Recorder(AbstractComponent):
    """A component that tells when it is started and stopped, and may fail to."""

    told: list[str]

    def __init__(self, *failures: str) -> None:
        super().__init__()
        self.failures = failures
        Recorder.told = []

    def startup(self) -> None:
        self._tell("startup")
        super().startup()

    def shutdown(self) -> None:
        self._tell("shutdown")
        super().shutdown()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("json", f"http://here:{port}")]

    def _tell(self, what: str) -> None:
        Recorder.told.append(f"{type(self).__name__} {what}")
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


def manager(*implementations: object, offered: str = "json(http://h)", **settings: Any) -> ServiceManager:
    registry = StaticComponentRegistry({"shop": offered, "office": offered})
    return ServiceManager(registry, implementations=implementations, catalog=CATALOG, **settings)


def hosting(*implementations: object) -> ServiceManager:
    return ServiceManager(LocalComponentRegistry(), implementations=implementations, catalog=CATALOG)


# services


def test_a_service_of_this_process_is_the_implementation_itself() -> None:
    orders = OrdersImpl()
    for preferred in ("", "local"):
        assert manager(orders).get_service(Orders, preferred) is orders


def test_a_service_of_elsewhere_is_a_proxy() -> None:
    orders = manager().get_service(Orders)
    assert isinstance(orders, Orders)
    assert orders.place() == "place over json at http://h"
    assert repr(orders) == "<proxy of Orders over shop over json>"


def test_a_preferred_channel_goes_before_the_implementation() -> None:
    assert manager(OrdersImpl()).get_service(Orders, "json").place() == "place over json at http://h"


def test_a_default_preference_counts_where_none_is_given() -> None:
    both = manager(OrdersImpl(), offered="json(http://h),rest(http://h)")
    orders = both.get_service(Orders)
    both.set_preferred_channel("rest")
    assert both.get_service(Orders).place() == "place over rest at http://h"
    assert both.get_service(Orders, "json").place() == "place over json at http://h"
    assert orders.place() == "placed here"
    both.set_preferred_channel("")
    assert both.get_service(Orders) is orders


def test_a_default_preference_can_be_given_from_the_beginning() -> None:
    both = manager(offered="json(http://h),rest(http://h)", preferred_channel="rest")
    assert both.get_service(Orders).place() == "place over rest at http://h"


def test_local_without_an_implementation_is_called_elsewhere() -> None:
    assert manager().get_service(Orders, "local").place() == "place over json at http://h"


def test_asking_again_gives_the_same_object() -> None:
    asked = manager()
    for preferred in ("", "json", "rest"):
        assert asked.get_service(Orders, preferred) is asked.get_service(Orders, preferred)


def test_16_threads_that_ask_at_once_get_the_same_object() -> None:
    asked, together = manager(), threading.Barrier(16)

    def ask(_: int) -> Orders:
        together.wait(10)
        return asked.get_service(Orders, "json")

    with ThreadPoolExecutor(16) as pool:
        orders = set(pool.map(ask, range(16)))
    assert len(orders) == 1
    assert orders.pop().place() == "place over json at http://h"


def test_a_misspelled_channel_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ChannelNotInstalledException, match="did you mean 'json'"):
        manager().get_service(Orders, "jsno")


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        (OrdersImpl, "ask for the interface, not for its implementation"),
        (Loose, "service Loose belongs to no component; name it in @component"),
        (Shop, "Shop is not a service interface"),
    ],
)
def test_what_is_no_service_of_a_component_is_refused(asked_for: type, message: str) -> None:
    with pytest.raises(DeclarationException, match=message):
        manager(OrdersImpl()).get_service(asked_for)


def test_a_container_may_come_back_from_another_thread_while_it_makes_an_implementation() -> None:
    class Container:
        """Makes the implementation of Orders in this thread while it asks for Invoices in another."""

        def provides(self, requested: Any, /) -> bool:
            return requested is Orders

        def get(self, requested: Any, /) -> Any:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asked.get_service, Invoices).result(10)
            return OrdersImpl()

    asked = ServiceManager(StaticComponentRegistry({}), implementations=Container(), catalog=CATALOG)
    assert asked.get_service(Orders).place() == "placed here"


def test_a_descriptor_can_be_had() -> None:
    assert manager().get_descriptor(Orders) is CATALOG.service(Orders)


@pytest.mark.parametrize("requested", [Orders, Shop])
def test_it_can_be_waited_for_a_service_or_a_component(requested: type) -> None:
    assert list(manager().wait_for(requested)) == ["json"]
    with pytest.raises(ComponentUnavailableException, match="component 'shop' over channel 'rest'"):
        manager().wait_for(requested, 0.01, channel="rest")


# implementations that are given


def test_what_implements_nothing_is_refused() -> None:
    with pytest.raises(DeclarationException) as caught:
        manager(object())
    assert str(caught.value) == (
        "object implements nothing: none of its base classes is decorated with @service() or @component()"
    )


def test_two_implementations_of_one_interface_are_refused() -> None:
    with pytest.raises(DeclarationException, match="Orders is implemented by two of the given objects"):
        manager(OrdersImpl(), OrdersImpl())


# hosting


def test_what_is_hosted_is_what_is_implemented_here() -> None:
    orders = OrdersImpl()
    (hosted,) = hosting(orders).hosted_services()
    assert (hosted.component.name, hosted.service.name) == ("shop", "orders")
    assert hosted.implementation is orders
    assert hosted.inline
    (hosted,) = hosting(InvoicesImpl()).hosted_services()
    assert not hosted.inline


def test_components_start_in_order_are_registered_and_stop_the_other_way_round() -> None:
    shop = ShopImpl()
    host, server = hosting(OrdersImpl(), shop, InvoicesImpl(), OfficeImpl()), FakeServer()
    host.startup(server)
    assert Recorder.told == ["ShopImpl startup", "OfficeImpl startup"]
    assert list(server.routes) == ["/office/health"]
    assert host.component_registry.snapshot("shop") == {}
    host.register(8000)
    registered = host.component_registry.snapshot("shop")
    assert registered is not None
    assert registered["json"].urls == ("http://here:8000",)
    assert shop.get_status() is ComponentStatus.RUNNING
    host.deregister()
    assert host.component_registry.snapshot("shop") == {}
    host.shutdown()
    assert Recorder.told[2:] == ["OfficeImpl shutdown", "ShopImpl shutdown"]
    host.shutdown()
    assert len(Recorder.told) == 4


async def test_the_health_of_a_component_is_routed() -> None:
    server = FakeServer()
    hosting(InvoicesImpl(), OfficeImpl()).startup(server)
    assert await server.routes["/office/health"]() == Health()


def test_a_component_without_all_of_its_services_is_refused() -> None:
    with pytest.raises(LocalServiceException) as caught:
        hosting(ShopImpl()).startup(FakeServer())
    assert str(caught.value) == (
        "component 'shop' is implemented here but its services Orders are not; add a class with @implementation() "
        "for each to the packages of the module"
    )
    assert Recorder.told == []


def test_a_component_that_cannot_start_ends_those_before_it() -> None:
    host = hosting(OrdersImpl(), ShopImpl(), InvoicesImpl(), OfficeImpl("startup"))
    with pytest.raises(OSError, match="OfficeImpl fails at startup"):
        host.startup(FakeServer())
    assert Recorder.told == ["ShopImpl startup", "OfficeImpl startup", "ShopImpl shutdown"]


def test_the_error_of_a_start_is_not_lost_if_ending_fails_too() -> None:
    host = hosting(OrdersImpl(), ShopImpl("shutdown"), InvoicesImpl(), OfficeImpl("startup"))
    with pytest.raises(OSError, match="OfficeImpl fails at startup") as caught:
        host.startup(FakeServer())
    (note,) = caught.value.__notes__
    assert "already failed to shut down: OSError('ShopImpl fails at shutdown')" in note


def test_a_component_that_fails_to_stop_keeps_none_from_stopping() -> None:
    host = hosting(OrdersImpl(), ShopImpl(), InvoicesImpl(), OfficeImpl("shutdown"))
    host.startup(FakeServer())
    with pytest.raises(OSError, match="OfficeImpl fails at shutdown") as caught:
        host.shutdown()
    assert caught.value.__notes__ == ["in shutdown() of component 'office'"]
    assert Recorder.told[2:] == ["OfficeImpl shutdown", "ShopImpl shutdown"]


def test_several_failures_to_stop_are_told_together() -> None:
    host = hosting(OrdersImpl(), ShopImpl("shutdown"), InvoicesImpl(), OfficeImpl("shutdown"))
    host.startup(FakeServer())
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
    host = ServiceManager(Failing(), implementations=objects, catalog=CATALOG)
    host.startup(FakeServer())
    host.register(8000)
    with pytest.raises(OSError, match="the registry is gone"):
        host.deregister()
    assert host.component_registry.snapshot("office") == {}


@pytest.mark.parametrize("addresses", [(HERE,), None, ["http://here"]])
def test_addresses_of_another_kind_are_refused(addresses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShopImpl, "get_addresses", lambda self, port: addresses)
    host = hosting(OrdersImpl(), ShopImpl())
    host.startup(FakeServer())
    with pytest.raises(LocalServiceException) as caught:
        host.register(8000)
    assert str(caught.value) == (
        f"ShopImpl.get_addresses (component 'shop') must return a list of ChannelAddress, not {addresses!r}"
    )


# views


def test_the_report_tells_what_is_hosted_and_called() -> None:
    host = hosting(OrdersImpl(), ShopImpl())
    assert host.report() == {"hosts": {}, "calls": {}}
    host.startup(FakeServer())
    host.register(8000)
    host.get_service(Orders, "json").place()
    report = host.report()
    assert report["hosts"] == {
        "shop": {"status": "running", "services": ["orders"], "addresses": "json(http://here:8000)"}
    }
    assert list(report["calls"]) == ["shop"]
    assert "http://here:8000" in str(report["calls"])
    assert list(host.running()) == ["shop"]


def test_a_component_can_have_a_policy_of_its_own() -> None:
    own, general = Policy(timeout=1), Policy(timeout=2)
    channels: list[Channel] = []

    def create(cls: type[Any]) -> Any:
        channels.append(cls())
        return channels[-1]

    registry = StaticComponentRegistry({"shop": "json(http://h)", "office": "json(http://h)"})
    factory = ChannelFactory(create=create, catalog=CATALOG)
    both = ServiceManager(registry, factory, policy=general, policies={Shop: own}, catalog=CATALOG)
    both.get_service(Orders).place()
    both.get_service(Invoices).write()
    assert [channel.policy for channel in channels] == [own, general]


# the end


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def used(ended: list[str], monkeypatch: pytest.MonkeyPatch) -> ServiceManager:
    """A manager with a channel and a registry that tell when they are ended."""

    class Registry(StaticComponentRegistry):
        def close(self) -> None:
            ended.append("registry")

    monkeypatch.setattr(Memory, "close", lambda self: ended.append("close"))

    async def aclose(self: Memory) -> None:
        ended.append("aclose")

    monkeypatch.setattr(Memory, "aclose", aclose)
    made = ServiceManager(Registry({"shop": "json(http://h)"}), catalog=CATALOG)
    made.get_service(Orders).place()
    return made


def test_closing_ends_channels_then_the_registry(used: ServiceManager, ended: list[str]) -> None:
    with used:
        assert ended == []
    assert ended == ["close", "registry"]
    used.close()
    assert ended.count("close") == 1


async def test_closing_in_a_loop_ends_channels_then_the_registry(used: ServiceManager, ended: list[str]) -> None:
    async with used:
        assert ended == []
    assert ended == ["aclose", "registry"]


def test_a_channel_that_fails_to_close_does_not_keep_the_registry_open(
    used: ServiceManager, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Memory) -> None:
        raise OSError("cannot close")

    monkeypatch.setattr(Memory, "close", fail)
    with pytest.raises(OSError, match="cannot close"):
        used.close()
    assert ended == ["registry"]


def test_a_closed_manager_gives_out_no_more_proxies(used: ServiceManager) -> None:
    orders = used.get_service(Orders)
    used.close()
    with pytest.raises(ComponentUnavailableException, match="its service manager is closed"):
        orders.place()
    for wanted, name in ((Orders, "shop"), (Invoices, "office")):
        with pytest.raises(LocalServiceException) as caught:
            used.get_service(wanted)
        assert str(caught.value) == (f"component '{name}' cannot be called any more: its service manager is closed")


def test_a_manager_starts_its_registry() -> None:
    started: list[str] = []

    class Registry(LocalComponentRegistry):
        def start(self) -> None:
            started.append("start")

    ServiceManager(Registry(), catalog=CATALOG)
    assert started == ["start"]
