"""Giving out services, and the end of it."""

from __future__ import annotations

import threading
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from memory_shop import CATALOG, Invoices, InvoicesImpl, Memory, Orders, OrdersImpl, Shop

from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.service_manager import ServiceManager
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import component, service, with_policy
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.policy import Policy
from service_core.errors import (
    ChannelNotInstalledException,
    ComponentUnavailableException,
    DeclarationException,
    LocalServiceException,
)
from service_core.hosting.hosted_services import GivenImplementations
from service_core.registry.static import StaticComponentRegistry


@pytest.fixture(autouse=True)
def forget() -> None:
    Memory.forget()


def manager(*implementations: object, offered: str = "json(http://h)", **settings: Any) -> ServiceManager:
    registry = StaticComponentRegistry({"shop": offered, "office": offered})
    return ServiceManager(registry, implementations=implementations, catalog=CATALOG, **settings)


# services


def test_a_service_of_this_process_is_the_implementation_itself() -> None:
    orders = OrdersImpl()
    for preferred in ("", "local"):
        assert manager(orders).get_service(Orders, preferred) is orders


def test_a_service_of_elsewhere_is_a_proxy() -> None:
    orders = manager().get_service(Orders)
    assert isinstance(orders, Orders)
    assert orders.place() == "json at http://h"
    assert repr(orders) == "<proxy of Orders over shop over json>"


def test_a_preferred_channel_goes_before_the_implementation() -> None:
    assert manager(OrdersImpl()).get_service(Orders, "json").place() == "json at http://h"


def test_a_default_preference_counts_where_none_is_given() -> None:
    both = manager(OrdersImpl(), offered="json(http://h),rest(http://h)")
    orders = both.get_service(Orders)
    both.set_preferred_channel("rest")
    assert both.get_service(Orders).place() == "rest at http://h"
    assert both.get_service(Orders, "json").place() == "json at http://h"
    assert orders.place() == "placed here"
    both.set_preferred_channel("")
    assert both.get_service(Orders) is orders


def test_a_default_preference_can_be_given_from_the_beginning() -> None:
    both = manager(offered="json(http://h),rest(http://h)", preferred_channel="rest")
    assert both.get_service(Orders).place() == "rest at http://h"


def test_local_without_an_implementation_is_called_elsewhere() -> None:
    assert manager().get_service(Orders, "local").place() == "json at http://h"


def test_a_second_request_returns_the_same_object() -> None:
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
    assert orders.pop().place() == "json at http://h"


def test_a_misspelled_channel_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ChannelNotInstalledException, match="did you mean 'json'"):
        manager().get_service(Orders, "jsno")


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        (OrdersImpl, "implements a service interface; write Orders"),
        (Shop, "Shop is not a service interface"),
    ],
)
def test_what_is_no_service_of_a_component_is_refused(asked_for: type, message: str) -> None:
    with pytest.raises(DeclarationException, match=message):
        manager(OrdersImpl()).get_service(asked_for)


def test_a_container_may_come_back_from_another_thread_while_it_makes_an_implementation() -> None:
    class Container(GivenImplementations):
        """Makes the implementation of Orders in this thread while it asks for Invoices in another."""

        def provides(self, requested: Any, /) -> bool:
            return requested is Orders

        def get(self, requested: Any, /) -> Any:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asked.get_service, Invoices).result(10)
            return OrdersImpl()

    asked = ServiceManager(StaticComponentRegistry({}), implementations=Container([], CATALOG), catalog=CATALOG)
    assert asked.get_service(Orders).place() == "placed here"


def test_a_descriptor_can_be_had() -> None:
    assert manager().get_descriptor(Orders) is CATALOG.service(Orders)


@pytest.mark.parametrize("requested", [Orders, Shop])
def test_it_can_be_waited_for_a_service_or_a_component(requested: type) -> None:
    assert list(manager().wait_for(requested)) == ["json"]
    with pytest.raises(ComponentUnavailableException, match="component 'shop' over channel 'rest'"):
        manager().wait_for(requested, 0.01, channel="rest")


def test_a_policy_for_what_is_no_component_is_refused() -> None:
    with pytest.raises(DeclarationException, match="is not a component"):
        manager(policies={Orders: Policy()})
    for wrong in ({"shop": Policy()}, {Shop: 5.0}):
        with pytest.raises(DeclarationException, match=r"^policies=\{.*\}: write \{TheComponent: Policy\(\.\.\.\)\}$"):
            manager(policies=wrong)


def test_a_component_can_have_a_policy_of_its_own() -> None:
    own, general = Policy(timeout=1), Policy(timeout=2)
    registry = StaticComponentRegistry({"shop": "json(http://h)", "office": "json(http://h)"})
    both = ServiceManager(registry, policy=general, policies={Shop: own}, catalog=CATALOG)
    both.get_service(Orders).place()
    both.get_service(Invoices).write()
    assert [channel.policies.of(None).timeout for channel in Memory.made] == [1, 2]


def test_a_component_can_be_declared_with_a_policy() -> None:
    own, general, given = Policy(timeout=1), Policy(timeout=2), Policy(timeout=3)
    catalog = Catalog()

    @service(catalog=catalog)
    class Weigh(Service):
        @abstractmethod
        def weigh(self) -> None: ...

    @component("scales", services=[Weigh], catalog=catalog)
    @with_policy(own)
    class Scales(Component): ...

    registry = StaticComponentRegistry({"scales": "json(http://h)"})
    factory = ChannelFactory(catalog=CATALOG)
    cases: list[tuple[dict[type, Policy], Policy]] = [({}, own), ({Scales: given}, given)]
    for policies, policy in cases:
        scales = ServiceManager(registry, factory, policy=general, policies=policies, catalog=catalog)
        scales.get_service(Weigh).weigh()
        assert Memory.made[-1].policies.of(None) == policy.resolve()


def test_what_is_hosted_is_what_is_implemented_here() -> None:
    orders = OrdersImpl()
    (hosted,) = manager(orders).hosted_services()
    assert (hosted.component.name, hosted.service.name) == ("shop", "orders")
    assert hosted.implementation is orders
    assert hosted.inline
    (hosted,) = manager(InvoicesImpl()).hosted_services()
    assert not hosted.inline


def test_the_report_names_the_instances_that_are_called() -> None:
    with manager() as calling:
        assert calling.report() == {}
        calling.get_service(Orders, "json").place()
        assert "http://h" in str(calling.report()["shop"])


def test_descriptors_of_services_and_of_components_are_given_out() -> None:
    with manager() as asked:
        assert asked.get_descriptor(Orders) is CATALOG.service(Orders)
        assert asked.get_descriptor(Shop) is CATALOG.component(Shop)


# the end


class Registry(StaticComponentRegistry):
    """Tells when it is started and closed."""

    def __init__(self, reported: list[str]) -> None:
        super().__init__({"shop": "json(http://h)", "office": "json(http://h)"})
        self.reported = reported

    def start(self) -> None:
        self.reported.append("registry start")

    def close(self) -> None:
        self.reported.append("registry close")


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def used(reported: list[str]) -> ServiceManager:
    """A manager that has made a channel."""
    made = ServiceManager(Registry(reported), catalog=CATALOG)
    made.get_service(Orders).place()
    (channel,) = Memory.made
    channel.ended = reported
    return made


def test_a_manager_starts_its_registry_and_ends_channels_before_it(used: ServiceManager, reported: list[str]) -> None:
    with used:
        assert reported == ["registry start"]
    assert reported == ["registry start", "close", "registry close"]
    used.close()
    assert reported.count("close") == 1


async def test_in_a_loop_channels_are_closed_with_what_they_opened_there(
    used: ServiceManager, reported: list[str]
) -> None:
    async with used:
        assert reported == ["registry start"]
    assert reported == ["registry start", "aclose", "registry close"]


def test_a_channel_that_fails_to_close_keeps_nothing_else_open(
    used: ServiceManager, reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Memory) -> None:
        self.ended.append("close")
        raise OSError("cannot close")

    used.get_service(Invoices).write()
    other = Memory.made[1].ended
    monkeypatch.setattr(Memory, "close", fail)
    with pytest.raises(OSError, match="cannot close"):
        used.close()
    assert reported == ["registry start", "close", "registry close"]
    assert other == ["close"]


def test_a_closed_manager_gives_out_no_more_proxies(used: ServiceManager) -> None:
    orders = used.get_service(Orders)
    used.close()
    with pytest.raises(ComponentUnavailableException, match="its connection or service manager is closed"):
        orders.place()
    for wanted, name in ((Orders, "shop"), (Invoices, "office")):
        with pytest.raises(LocalServiceException) as caught:
            used.get_service(wanted)
        assert str(caught.value) == (
            f"component '{name}' cannot be called any more: its connection or service manager is closed"
        )
