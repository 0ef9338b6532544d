"""What decorators refuse, with the place and the remedy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import pytest
from refused import message

from service_core.calling.channel import Channel
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import (
    allow_anonymous,
    channel,
    component,
    health,
    health_path,
    idempotent,
    raises,
    service,
)
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import AbstractComponent, Component, Service


class Free(Service):
    def greet(self, name: str, /, greeting: str = "hello", *, loud: bool = False) -> None: ...

    async def wait(self) -> None: ...


# what is declared stays what it was


def test_decorators_give_the_class_back(catalog: Catalog) -> None:
    class Greeter(Service):
        def greet(self) -> None: ...

    class Greeters(Component): ...

    class GreeterImpl(Greeter): ...

    assert service(catalog=catalog)(Greeter) is Greeter
    assert component(services=[Greeter], catalog=catalog)(Greeters) is Greeters
    assert implementation(catalog=catalog)(GreeterImpl) is GreeterImpl
    assert raises(LookupError)(Greeter) is Greeter
    assert idempotent(Greeter.greet) is Greeter.greet
    assert health("/health")(Greeters) is Greeters


# services and components


class Unhinted(Service):
    def greet(self, name): ...  # type: ignore[no-untyped-def]


class NoResult(Service):
    def greet(self, name: str): ...  # type: ignore[no-untyped-def]


class AnyNumber(Service):
    def greet(self, *names: str) -> None: ...


class AnyName(Service):
    def greet(self, **names: int) -> None: ...


class NoSelf(Service):
    def greet() -> None: ...  # type: ignore[misc]


class OnlyKeywords(Service):
    def greet(*, name: str) -> None: ...  # type: ignore[misc]


class WithProperty(Service):
    @property
    def name(self) -> str:
        raise AssertionError


class WithStatic(Service):
    @staticmethod
    def greet(name: str) -> str:
        raise AssertionError


class WithCache(Service):
    @functools.lru_cache  # noqa: B019
    def greet(self, name: str) -> str:
        raise AssertionError


class Inherits(AnyNumber): ...


@pytest.mark.parametrize(
    ("interface", "refusal"),
    [
        (
            Unhinted,
            "Unhinted.greet: parameter 'name' has no type hint; write 'name: <type>', since values are validated by it",
        ),
        (NoResult, "NoResult.greet: the return type is missing; write '-> None' if there is no result"),
        (
            AnyNumber,
            "AnyNumber.greet: parameter '*names: 'str'' takes any number of arguments; write one parameter of a list "
            "or dict type instead",
        ),
        (
            AnyName,
            "AnyName.greet: parameter '**names: 'int'' takes any number of arguments; write one parameter of a list "
            "or dict type instead",
        ),
        (NoSelf, "NoSelf.greet: the first parameter must be 'self'"),
        (OnlyKeywords, "OnlyKeywords.greet: the first parameter must be 'self'"),
        (
            WithProperty,
            "WithProperty.name is a property; the members of a service are methods: write 'def name(self) -> ...'",
        ),
        (
            WithStatic,
            "WithStatic.greet is a staticmethod; the members of a service are methods: write 'def greet(self) -> ...'",
        ),
        (
            WithCache,
            "WithCache.greet is a _lru_cache_wrapper; the members of a service are methods: "
            "write 'def greet(self) -> ...'",
        ),
        (
            Inherits,
            "Inherits.greet: parameter '*names: 'str'' takes any number of arguments; write one parameter of a list "
            "or dict type instead",
        ),
        (object, "@service() on 'object': write 'class object(Service)', it must derive from Service"),
    ],
)
def test_an_interface_that_cannot_be_called_is_refused(catalog: Catalog, interface: type, refusal: str) -> None:
    assert message(lambda: service(catalog=catalog)(interface)) == refusal


def test_what_is_no_component_is_refused(catalog: Catalog) -> None:
    assert (
        message(lambda: component(catalog=catalog)(Free))
        == "@component() on 'Free': write 'class Free(Component)', it must derive from Component"
    )


def test_decorators_without_required_arguments_need_no_parentheses(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog()
    for decorator in (service, component):
        monkeypatch.setitem(cast(Any, decorator).__kwdefaults__, "catalog", catalog)
    monkeypatch.setitem(cast(Any, implementation).__kwdefaults__, "catalog", catalog)

    @service
    class Bare(Service):
        @idempotent()
        def read(self) -> None: ...

        @allow_anonymous()
        def enter(self) -> None: ...

    @component
    class BareComponent(Component): ...

    @implementation
    class BareImpl(Bare): ...

    assert catalog.service(Bare).name == "bare"
    assert catalog.component(BareComponent).name == "bare-component"
    assert BareImpl in catalog.injectables()
    methods = catalog.service(Bare).methods
    assert (methods["read"].idempotent, methods["enter"].anonymous) == (True, True)


@pytest.mark.parametrize("decorator", [service, component])
def test_a_name_that_is_no_text_is_refused(decorator: Callable[..., Any]) -> None:
    name = decorator.__name__
    assert message(lambda: decorator(len)) == (
        f"@{name} got 'len' as the name, which must be text; write '@{name}' to use the name of the class"
    )


# health


def test_a_health_path_is_inherited_and_can_be_replaced() -> None:
    class Healthy(AbstractComponent): ...

    class HealthyImpl(Healthy): ...

    assert health_path(Healthy) is None
    health("/health")(Healthy)
    assert health_path(HealthyImpl) == "/health"
    health("/mine")(HealthyImpl)
    assert (health_path(HealthyImpl), health_path(Healthy)) == ("/mine", "/health")


def test_a_health_path_begins_with_a_slash() -> None:
    assert message(lambda: health("health")) == "@health('health'): a path starts with '/'; write @health('/health')"


def test_only_components_have_health() -> None:
    assert (
        message(lambda: health("/health")(Free))
        == "@health() on 'Free': write 'class Free(Component)', it must derive from Component"
    )


# errors


def test_only_exceptions_can_be_declared() -> None:
    assert message(lambda: raises(int)) == (  # type: ignore[arg-type]
        "@raises(int): only exception classes can be declared"
    )
    assert message(lambda: raises(KeyboardInterrupt)) == (  # type: ignore[arg-type]
        "@raises(KeyboardInterrupt): only exception classes can be declared"
    )


def test_declaring_no_error_is_refused() -> None:
    assert message(lambda: raises()) == "@raises(): name at least one exception class"


# channels


class Fancy(Channel):
    def invoke(self, invocation: object) -> None: ...

    async def invoke_async(self, invocation: object) -> None: ...


class Plain(Fancy): ...


def test_a_channel_knows_its_name(catalog: Catalog) -> None:
    assert channel("fancy", catalog=catalog)(Fancy) is Fancy
    assert Fancy.name == "fancy"
    assert catalog.channels().get("fancy") is Fancy


def test_two_channels_of_one_name_are_refused(catalog: Catalog) -> None:
    channel("fancy", catalog=catalog)(Fancy)
    assert message(lambda: channel("fancy", catalog=catalog)(Plain)) == (
        f"channel 'fancy' is {__name__}.Fancy already; give {__name__}.Plain another name"
    )
    assert Plain.name == "fancy"  # inherited, not set
    assert "name" not in vars(Plain)


@pytest.mark.parametrize("name", ["", "a b", "a(b", "a,b"])
def test_a_channel_name_that_cannot_be_part_of_an_address_is_refused(catalog: Catalog, name: str) -> None:
    assert message(lambda: channel(name, catalog=catalog)(Plain)) == (
        f"channel {__name__}.Plain: the name '{name}' cannot be written into an address; "
        f"use letters, digits, '.', '-' and '_'"
    )
