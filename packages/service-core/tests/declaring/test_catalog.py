"""What has been declared: names, owners, and modules that are loaded again."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from refused import message

from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.decorators import component, service
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import AbstractComponent, Component, Service


class Orders(Service):
    def place(self) -> None: ...


class Customers(Service):
    def find(self) -> None: ...


class Shop(Component): ...


class Office(Component): ...


# names


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("TestService", "test-service"),
        ("HTTPGateway", "http-gateway"),
        ("Version2Orders", "version2-orders"),
        ("_Hidden", "hidden"),
        ("Already_Split", "already-split"),
        ("X", "x"),
    ],
)
def test_the_default_name_is_the_class_name_in_kebab_case(catalog: Catalog, class_name: str, name: str) -> None:
    interface = type(class_name, (Service,), {"__module__": "somewhere"})
    service(catalog=catalog)(interface)
    assert catalog.service(interface).name == name


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Order_Service", "order-service"),
        ("orders!", "orders"),
        ("-orders", "orders"),
        ("a.b", "a-b"),
        ("a" * 64, "a" * 63),
        ("ö", "my-service"),
    ],
)
def test_a_name_that_is_no_dns_label_is_refused_with_a_suggestion(catalog: Catalog, name: str, suggestion: str) -> None:
    refusal = (
        f"the name '{name}' is not a DNS label, which registries such as Consul require; "
        f"use at most 63 of a-z, 0-9 and '-', not at either end, for example '{suggestion}'"
    )
    assert message(lambda: service(name, catalog=catalog)(Orders)) == f"Orders: {refusal}"
    assert message(lambda: component(name, catalog=catalog)(Shop)) == f"Shop: {refusal}"


@pytest.mark.parametrize("name", ["a", "0", "a" * 63, "a-b--c"])
def test_dns_labels_are_names(catalog: Catalog, name: str) -> None:
    service(name, catalog=catalog)(Orders)
    assert catalog.service(Orders).name == name


def test_a_name_is_given_once(catalog: Catalog) -> None:
    service("same", catalog=catalog)(Orders)
    assert message(lambda: service("same", catalog=catalog)(Customers)) == (
        f"service {__name__}.Customers: the name 'same' is taken by {__name__}.Orders; "
        f"give one of them another with @service(name=...)"
    )
    component("same", catalog=catalog)(Shop)  # services and components do not compete
    assert message(lambda: component("same", catalog=catalog)(Office)) == (
        f"component {__name__}.Office: the name 'same' is taken by {__name__}.Shop; "
        f"give one of them another with @component(name=...)"
    )


def test_classes_inside_of_functions_are_never_the_same_class_again(catalog: Catalog) -> None:
    def declare() -> None:
        @service("same", catalog=catalog)
        class Local(Service): ...

    declare()
    assert "is taken by" in message(declare)


def test_catalogs_know_nothing_of_each_other() -> None:
    one, other = Catalog(), Catalog()
    service(catalog=one)(Orders)
    assert "is not a service interface" in message(lambda: other.service(Orders))
    assert "is not a service interface" in message(lambda: default_catalog.service(Orders))
    service(catalog=other)(Orders)
    assert one.service(Orders) is not other.service(Orders)


# owners


def test_a_component_has_its_services(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)
    service(catalog=catalog)(Customers)
    component("shop", "sells", services=[Customers, Orders], catalog=catalog)(Shop)
    shop = catalog.component(Shop)
    assert (shop.name, shop.type, shop.description) == ("shop", Shop, "sells")
    assert shop.services == (catalog.service(Customers), catalog.service(Orders))
    assert catalog.component_of(Orders) is shop
    assert [catalog.component(each) for each in catalog.component_types()] == [shop]


def test_a_component_of_what_is_no_service_is_refused(catalog: Catalog) -> None:
    assert message(lambda: component(services=[Orders], catalog=catalog)(Shop)) == (
        f"component Shop: {Orders!r} is not a service; decorate that class with @service() first"
    )


def test_a_service_has_one_component(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)
    component(services=[Orders], catalog=catalog)(Shop)
    assert message(lambda: component(services=[Orders], catalog=catalog)(Office)) == (
        "component Office: service Orders belongs to component Shop already; a service has one component"
    )
    assert "is not a component" in message(lambda: catalog.component(Office))


def test_a_request_for_an_undeclared_class_names_the_remedy(catalog: Catalog) -> None:
    assert message(lambda: catalog.service(Orders)) == (
        f"{__name__}.Orders is not a service interface; decorate it with @service() and request the interface, "
        f"not its implementation"
    )
    assert message(lambda: catalog.component(Shop)) == (
        f"{__name__}.Shop is not a component; decorate it with @component(services=[...])"
    )
    assert message(lambda: catalog.component_of(Orders)) == message(lambda: catalog.service(Orders))
    service(catalog=catalog)(Orders)


def test_a_service_that_no_component_names_is_a_component_of_its_own(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)
    alone = catalog.component_of(Orders)
    assert (alone.name, [one.type for one in alone.services]) == ("orders", [Orders])
    assert catalog.component_of(Orders) is alone
    assert [catalog.component(each).name for each in catalog.component_types()] == ["orders"]


def test_a_component_that_comes_after_the_use_of_its_service_alone_is_refused(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)
    catalog.component_of(Orders)
    assert message(lambda: component(services=[Orders], catalog=catalog)(Shop)) == (
        "component Shop: service Orders has been used already as a component of its own, named 'orders'; import the "
        "module that declares Shop before the service is first hosted or called"
    )


def test_a_service_whose_name_another_component_has_needs_a_component(catalog: Catalog) -> None:
    component("orders", catalog=catalog)(Shop)
    service(catalog=catalog)(Orders)
    assert "the name 'orders' is taken by" in message(lambda: catalog.component_of(Orders))


def test_interfaces_are_the_nearest_declared_bases(catalog: Catalog) -> None:
    @service(catalog=catalog)
    class MoreOrders(Orders): ...

    class Impl(MoreOrders, Customers): ...

    class ShopImpl(AbstractComponent, Shop): ...

    service(catalog=catalog)(Orders)
    service(catalog=catalog)(Customers)
    component(catalog=catalog)(Shop)
    assert catalog.interfaces_of(Impl) == [MoreOrders, Customers]
    assert catalog.interfaces_of(ShopImpl) == [Shop]
    assert catalog.interfaces_of(MoreOrders) == [Orders]
    assert catalog.interfaces_of(Orders) == []


def test_inline_is_inherited_by_implementations(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)

    @implementation(inline=True, catalog=catalog)
    class Quick(Orders): ...

    class Quicker(Quick): ...

    @implementation(catalog=catalog)
    class Slow(Orders): ...

    assert [catalog.is_inline(cls) for cls in (Quick, Quicker, Slow)] == [True, True, False]


def test_descriptors_are_built_once_however_many_threads_ask(catalog: Catalog) -> None:
    service(catalog=catalog)(Orders)
    component(services=[Orders], catalog=catalog)(Shop)
    together = threading.Barrier(16)

    def ask(_: int) -> object:
        together.wait(10)
        return catalog.component_of(Orders)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


# modules that are loaded again

MODULE = """
from service_core.declaring.decorators import component, service
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import Component, Service

@service({name!r}, catalog=catalog)
class Orders(Service):
    def place(self) -> None: ...

@component(services=[Orders], catalog=catalog)
class Shop(Component): ...

@implementation(catalog=catalog)
class OrdersImpl(Orders): ...
"""


@pytest.fixture
def load(catalog: Catalog) -> Iterator[Callable[..., types.ModuleType]]:
    module = types.ModuleType("reloaded")
    sys.modules["reloaded"] = module
    vars(module)["catalog"] = catalog

    def load(name: str = "") -> types.ModuleType:
        exec(MODULE.format(name=name), vars(module))
        copy = types.ModuleType("copy")
        vars(copy).update(vars(module))
        return copy

    yield load
    del sys.modules["reloaded"]


def test_a_module_that_is_loaded_again_replaces_what_it_had_declared(
    catalog: Catalog, load: Callable[..., types.ModuleType]
) -> None:
    old = load()
    assert catalog.component_of(old.Orders).type is old.Shop
    new = load()
    assert catalog.component_of(new.Orders).type is new.Shop
    assert catalog.component_types() == [new.Shop]
    assert list(catalog.injectables()) == [new.OrdersImpl]
    assert "is not a service interface" in message(lambda: catalog.service(old.Orders))


def test_a_name_that_a_loaded_module_gave_up_is_free(catalog: Catalog, load: Callable[..., types.ModuleType]) -> None:
    load("before")
    load("after")
    service("before", catalog=catalog)(Orders)
    assert catalog.service(Orders).name == "before"


def test_a_service_that_its_component_gave_up_can_join_another(catalog: Catalog) -> None:
    def declare(services: list[type]) -> None:
        component(services=services, catalog=catalog)(type("Shop", (Component,), {"__module__": "somewhere"}))

    service(catalog=catalog)(Orders)
    declare([Orders])
    declare([])
    component(services=[Orders], catalog=catalog)(Office)
    assert catalog.component_of(Orders).type is Office


def test_a_channel_that_is_declared_again_replaces_the_old_one(catalog: Catalog) -> None:
    one = type("Fancy", (), {"__module__": "somewhere"})
    again = type("Fancy", (), {"__module__": "somewhere"})
    catalog.add_channel("fancy", one)
    catalog.add_channel("fancy", again)
    assert catalog.channels() == {"fancy": again}
