"""What is declared and not hosted as expected is reported at the start, with the remedy."""

from __future__ import annotations

import sys
import types
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

from service_core import (
    AbstractComponent,
    Catalog,
    Channel,
    ChannelAddress,
    Component,
    ComponentRegistry,
    LocalComponentRegistry,
    Service,
    ServiceManager,
    ServiceModule,
    component,
    implementation,
    service,
)
from service_core.aop import Invocation, advice, before, methods
from service_core.di import Environment, create, module
from service_core.rest import get
from service_server_fastapi.lifecycle.declaration_checks import address_findings, hosting_findings, known_channels


class Shop(Service):
    @abstractmethod
    def find(self, limit: int = 10) -> int: ...


class ShopComponent(Component): ...


class Clock(Service):
    @abstractmethod
    @get("/clock")
    def now(self) -> str: ...


class ClockComponent(Component): ...


@module(imports=[ServiceModule])
class ShopModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog()
    service(catalog=catalog)(Shop)
    component(services=[Shop], catalog=catalog)(ShopComponent)
    service(catalog=catalog)(Clock)
    return catalog


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The name of a module outside of the packages that are looked through."""
    made = types.ModuleType("elsewhere")
    made.__file__ = "/srv/elsewhere.py"
    sys.modules["elsewhere"] = made
    yield "elsewhere"
    del sys.modules["elsewhere"]


def shop(catalog: Catalog, **members: Any) -> None:
    def find(self: Shop, limit: int = 10) -> int:
        return limit

    implementation(catalog=catalog)(type("ShopImpl", (Shop,), {"__module__": __name__, "find": find} | members))


def shop_component(catalog: Catalog) -> None:
    members = {"__module__": __name__, "get_addresses": lambda self, port: []}
    implementation(catalog=catalog)(type("ShopComponentImpl", (AbstractComponent, ShopComponent), members))


def findings(catalog: Catalog) -> list[str]:
    with Environment(ShopModule, catalog=catalog) as environment:
        return list(hosting_findings(environment, environment.get(ServiceManager).hosted_services()))


def test_nothing_is_reported_where_all_is_hosted(catalog: Catalog) -> None:
    shop(catalog)
    shop_component(catalog)
    assert findings(catalog) == []


def test_a_server_without_services_is_reported(catalog: Catalog) -> None:
    [finding] = findings(catalog)
    assert "this server hosts no service; decorate implementations with @implementation()" in finding


def test_an_implementation_outside_of_the_packages_is_reported_with_its_file(catalog: Catalog, elsewhere: str) -> None:
    shop(catalog, __module__=elsewhere)
    assert (
        "ShopImpl (elsewhere, /srv/elsewhere.py) implements Shop and is not hosted: it lies outside of the packages of "
        "the booted modules; add a @module() class beside it and name that in @module(imports=[...])"
    ) in findings(catalog)


def test_a_component_without_an_implementation_is_reported(catalog: Catalog) -> None:
    shop(catalog)
    assert findings(catalog) == [
        "component ShopComponent is not implemented here, so its services Shop are not registered and clients do not "
        "find them; add '@implementation() class ShopComponentImpl(AbstractComponent, ShopComponent)' with "
        "get_addresses()"
    ]


def test_an_implementation_of_a_service_without_component_is_reported(catalog: Catalog) -> None:
    shop(catalog)
    shop_component(catalog)
    members = {"__module__": __name__, "now": lambda self: "noon"}
    members["now"].__annotations__ = {"return": str}
    implementation(catalog=catalog)(type("ClockImpl", (Clock,), members))
    [finding] = findings(catalog)
    assert finding.endswith(
        "implements Clock, which belongs to no component, so it is not served; declare @component(services=[Clock]) "
        "and implement it, or use serve(...)"
    )


def test_advice_that_applies_to_nothing_is_reported(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Audit:
        @before(methods().named("fnid").of_type(Shop))
        def misspelt(self, invocation: Invocation) -> None: ...

        @before(methods().named("find"))
        def right(self, invocation: Invocation) -> None: ...

        @before(methods().named("customize").of_type(Channel))
        def of_channels(self, invocation: Invocation) -> None: ...

    shop(catalog)
    shop_component(catalog)
    [finding] = findings(catalog)
    assert "Audit.misspelt" in finding
    assert "applies to nothing: no class of this environment and no channel has a method that its pointcut" in finding


def test_another_default_than_the_interface_declares_is_reported(catalog: Catalog) -> None:
    def find(self: Shop, limit: int = 20) -> int:
        return limit

    shop(catalog, find=find)
    shop_component(catalog)
    assert findings(catalog) == [
        "ShopImpl.find: parameter 'limit' has another default than Shop.find; callers that do not give it get the "
        "default of the implementation"
    ]


def test_a_method_that_is_not_implemented_is_reported(catalog: Catalog) -> None:
    @service(catalog=catalog)
    class Bare(Service):
        def count(self) -> int: ...  # type: ignore[empty-body]

    @component(services=[Bare], catalog=catalog)
    class BareComponent(Component): ...

    made = {"__module__": __name__}
    implementation(catalog=catalog)(type("BareImpl", (Bare,), made))
    addresses: dict[str, Any] = {"get_addresses": lambda self, port: []}
    implementation(catalog=catalog)(type("BareComponentImpl", (AbstractComponent, BareComponent), made | addresses))
    [finding] = findings(catalog)
    assert finding.endswith(
        "does not implement Bare.count; write the method, and decorate that of the interface with @abstractmethod, so "
        "that Python refuses objects without it"
    )


@pytest.mark.parametrize(
    ("channel", "finding"),
    [
        ("dispatch-json", None),
        ("local", None),
        ("fancy", None),
        (
            "dispach-json",
            "names channel 'dispach-json', which this process does not know; did you mean 'dispatch-json'?",
        ),
        ("soap", "does not know; channels known here: dispatch-json, dispatch-msgpack, fancy, local, rest"),
        ("rest", "offers channel 'rest', but no method of its services has a route"),
    ],
)
def test_channels_of_addresses_that_cannot_be_called_are_reported(
    catalog: Catalog, channel: str, finding: str | None
) -> None:
    addresses = [ChannelAddress(channel, "http://127.0.0.1:1"), ChannelAddress(channel, "http://127.0.0.1:2")]
    known = known_channels({"fancy": object})
    found = list(address_findings(catalog.component(ShopComponent), addresses, known))
    assert len(found) == (finding is not None)
    assert (finding or "") in "".join(found)


def test_a_component_without_addresses_is_reported(catalog: Catalog) -> None:
    assert list(address_findings(catalog.component(ShopComponent), [], known_channels({}))) == [
        "component 'shop-component': get_addresses() returns no address, so it is not registered; return "
        "[ChannelAddress('dispatch-msgpack', Server.get_url(port))]"
    ]


def test_rest_is_right_where_a_method_has_a_route(catalog: Catalog) -> None:
    component(services=[Clock], catalog=catalog)(ClockComponent)
    addresses = [ChannelAddress("rest", "http://127.0.0.1:1")]
    assert list(address_findings(catalog.component(ClockComponent), addresses, known_channels({}))) == []
