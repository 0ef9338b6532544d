"""The framework's own objects in a container, and services that are injected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memory_shop import CATALOG, Invoices, InvoicesImpl, Memory, Orders

from service_core.calling.injection import inject_service
from service_core.calling.module import ServiceModule
from service_core.calling.service_manager import ServiceManager
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel, component, service
from service_core.declaring.implementing import implementation
from service_core.declaring.policy import Policy
from service_core.di import Environment, create, injectable, module
from service_core.errors import DeclarationException
from service_core.registry.static import StaticComponentRegistry
from service_core.resilience.events import CallEvent, CallEventKind, CallObservers


@module(imports=[ServiceModule])
class Module:
    @create()
    def create_registry(self) -> StaticComponentRegistry:
        return StaticComponentRegistry({"shop": "json(http://h)", "office": "json(http://h)"})


@module(imports=[Module])
class Patient:
    @create()
    def create_policy(self) -> Policy:
        return Policy(timeout=60)


seen: list[CallEvent] = []


@module(imports=[Module])
class Watched:
    @create()
    def create_observers(self) -> CallObservers:
        return CallObservers([seen.append])


class Clerk:
    """Works with services that are injected."""

    def __init__(self) -> None:
        self.services: tuple[Any, ...] = ()

    @inject_service()
    def set_services(self, orders: Orders, invoices: Invoices) -> None:
        self.services += (orders, invoices)

    @inject_service(preferred_channel="rest")
    def set_orders(self, orders: Orders) -> None:
        self.services += (orders,)


@pytest.fixture
def catalog() -> Catalog:
    """What the shop is made of, with an implementation of one of its services."""
    Memory.forget()
    made = Catalog()
    for interface in (Orders, Invoices):
        service(catalog=made)(interface)
    for descriptor in map(CATALOG.component, CATALOG.component_types()):
        component(descriptor.name, services=[s.type for s in descriptor.services], catalog=made)(descriptor.type)
    for name, cls in CATALOG.channels().items():
        channel(name, catalog=made)(cls)
    implementation(catalog=made)(type("Impl", (InvoicesImpl,), {"__module__": __name__}))
    return made


@pytest.fixture
def declare(catalog: Catalog) -> Callable[[type], type]:
    return injectable(catalog=catalog)


def test_implementations_of_the_container_are_given_out_and_others_are_called(catalog: Catalog) -> None:
    with Environment(Module, catalog=catalog) as environment:
        manager = environment.get(ServiceManager)
        assert manager.get_service(Invoices) is environment.get(Invoices)
        assert manager.get_service(Orders).place() == "json at http://h"
        assert [hosted.service.name for hosted in manager.hosted_services()] == ["invoices"]


def test_a_method_gets_a_service_for_each_parameter_over_the_channel_that_it_prefers(
    catalog: Catalog, declare: Callable[[type], type]
) -> None:
    declare(Clerk)
    with Environment(Module, catalog=catalog) as environment:
        manager = environment.get(ServiceManager)
        assert set(environment.get(Clerk).services) == {
            manager.get_service(Orders),
            manager.get_service(Invoices),
            manager.get_service(Orders, "rest"),
        }


def test_a_method_without_a_parameter_is_refused() -> None:
    with pytest.raises(
        DeclarationException, match=r"on .*Idle\.set_nothing: give it a parameter with the type of a serv"
    ):

        class Idle:
            @inject_service()
            def set_nothing(self) -> None: ...


def test_a_module_may_create_the_policy_of_all_calls(catalog: Catalog) -> None:
    with Environment(Patient, catalog=catalog) as environment:
        environment.get(ServiceManager).get_service(Orders).place()
        assert [made.policies.of(None).timeout for made in Memory.made] == [60]


def test_a_module_may_create_the_observers_of_all_calls(catalog: Catalog) -> None:
    with Environment(Watched, catalog=catalog) as environment:
        environment.get(ServiceManager).get_service(Orders).place()
        [made] = Memory.made
        event = CallEvent(
            kind=CallEventKind.ANSWERED,
            component="shop",
            channel="memory",
            method="Orders.place",
            url="memory://1",
            attempt=1,
            duration=0.1,
        )
        for observer in made.balancer.observers:
            observer(event)
        assert seen == [event]


def test_the_environment_closes_the_manager_at_its_end(catalog: Catalog) -> None:
    with Environment(Module, catalog=catalog) as environment:
        environment.get(ServiceManager).get_service(Orders).place()
        assert Memory.made[0].ended == []
    assert Memory.made[0].ended == ["close"]
