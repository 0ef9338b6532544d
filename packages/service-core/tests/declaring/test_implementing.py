"""Which classes are implementations, and which are refused."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
from refused import message

from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import (
    allow_anonymous,
    component,
    idempotent,
    raises,
    service,
    with_policy,
)
from service_core.declaring.implementing import implementation
from service_core.declaring.interfaces import AbstractComponent, Component, Service
from service_core.declaring.policy import Policy


class Free(Service):
    def greet(self, name: str, /, greeting: str = "hello", *, loud: bool = False) -> None: ...

    async def wait(self) -> None: ...


@pytest.fixture
def declared(catalog: Catalog) -> type[Free]:
    return service(catalog=catalog)(Free)


def test_an_implementation_with_the_same_parameters_is_taken(catalog: Catalog, declared: type[Free]) -> None:
    class Impl(Free):
        def greet(self, name: str, /, greeting: str = "hi", *, loud: bool = False) -> None: ...

        async def wait(self) -> None: ...

    implementation(catalog=catalog)(Impl)
    assert Impl in catalog.injectables()


def test_an_implementation_may_take_more_if_it_need_not_be_given(catalog: Catalog, declared: type[Free]) -> None:
    class Impl(Free):
        def greet(
            self, name: str, greeting: str = "hi", more: int = 1, *, loud: bool = False, less: int = 0
        ) -> None: ...

    implementation(catalog=catalog)(Impl)


def test_an_implementation_behind_a_general_decorator_is_taken(catalog: Catalog, declared: type[Free]) -> None:
    def general(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return call

    class Impl(Free):
        greet = general(Free.greet)

    implementation(catalog=catalog)(Impl)


def test_an_abstract_implementation_may_leave_methods_out(catalog: Catalog, declared: type[Free]) -> None:
    class Half(Free):
        @abstractmethod
        def greet(self, name: str, /, greeting: str = "hi", *, loud: bool = False) -> None: ...

    implementation(catalog=catalog)(Half)


class Renamed(Free):
    def greet(self, who: str, /, greeting: str = "", *, loud: bool = False) -> None: ...


class Swapped(Free):
    def greet(self, greeting: str, name: str = "", *, loud: bool = False) -> None: ...  # type: ignore[override]


class Fewer(Free):
    def greet(self, name: str) -> None: ...  # type: ignore[override]


class More(Free):
    def greet(self, name: str, greeting: str = "", *, loud: bool = False, more: int) -> None: ...  # type: ignore[override]


class WithoutDefault(Free):
    def greet(self, name: str, greeting: str, *, loud: bool = False) -> None: ...  # type: ignore[override]


class KeywordOnly(Free):
    def greet(self, name: str, *, greeting: str = "", loud: bool = False) -> None: ...  # type: ignore[override]


class PositionalOnly(Free):
    def greet(self, name: str, greeting: str = "", loud: bool = False, /) -> None: ...  # type: ignore[override]


class WithoutSelf(Free):
    def greet() -> None: ...  # type: ignore[override, misc]


@pytest.mark.parametrize(
    "cls", [Renamed, Swapped, Fewer, More, WithoutDefault, KeywordOnly, PositionalOnly, WithoutSelf]
)
def test_an_implementation_with_other_parameters_is_refused(
    catalog: Catalog, declared: type[Free], cls: type[Free]
) -> None:
    assert message(lambda: implementation(catalog=catalog)(cls)) == (
        f"{cls.__name__}.greet: its parameters are not those of Free; "
        f"write '(self, name, /, greeting='hello', *, loud=False)'"
    )
    assert cls not in catalog.injectables()


class SyncInstead(Free):
    def wait(self) -> None: ...  # type: ignore[override]


class AsyncInstead(Free):
    async def greet(self, name: str, /, greeting: str = "", *, loud: bool = False) -> None: ...  # type: ignore[override]


class ValueInstead(Free):
    greet = "hello"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("cls", "refusal"),
    [
        (
            SyncInstead,
            "SyncInstead.wait: Free declares it with 'async def', so write 'async def wait' here too",
        ),
        (AsyncInstead, "AsyncInstead.greet: Free declares it with 'def', so write 'def greet' here too"),
        (ValueInstead, "ValueInstead.greet must be a method, as Free.greet is"),
    ],
)
def test_an_implementation_of_another_kind_is_refused(
    catalog: Catalog, declared: type[Free], cls: type, refusal: str
) -> None:
    assert message(lambda: implementation(catalog=catalog)(cls)) == refusal


def test_an_implementation_of_nothing_is_refused(catalog: Catalog) -> None:
    assert message(lambda: implementation(catalog=catalog)(Free)) == (
        "implementation Free implements nothing: none of its base classes is decorated with @service() or @component()"
    )


@pytest.mark.parametrize(
    ("decorate", "name"),
    [
        (allow_anonymous, "allow_anonymous"),
        (idempotent, "idempotent"),
        (raises(LookupError), "raises"),
        (with_policy(Policy()), "with_policy"),
    ],
)
def test_what_callers_have_to_know_belongs_to_the_interface(
    catalog: Catalog, declared: type[Free], decorate: Callable[[Any], Any], name: str
) -> None:
    class Impl(Free):
        @decorate
        async def wait(self) -> None: ...

    reported = message(lambda: implementation(catalog=catalog)(Impl))
    assert reported == f"Impl.wait: @{name} is for callers to know, so write it in Free"


def test_what_wraps_a_method_of_the_interface_may_have_its_marks(catalog: Catalog) -> None:
    class Marked(Service):
        @idempotent
        def count(self) -> int: ...  # type: ignore[empty-body]

    service(catalog=catalog)(Marked)

    class Impl(Marked):
        def count(self) -> int:
            return 1

        functools.update_wrapper(count, Marked.count)

    implementation(catalog=catalog)(Impl)


def test_a_policy_is_for_methods_and_for_the_interface_of_a_component(catalog: Catalog) -> None:
    class Impl(Component): ...

    with_policy(Policy())(Impl)
    assert message(lambda: implementation(catalog=catalog)(Impl)) == (
        "@with_policy on Impl: callers know the component's interface, so write it there"
    )
    assert message(lambda: with_policy(Policy())(Free)) == (
        "@with_policy on Free: it is for methods and for the interface of a component"
    )
    assert message(lambda: with_policy(Free.wait)) == (  # type: ignore[arg-type]
        "@with_policy(wait): give it a policy, '@with_policy(Policy(timeout=60.0))'"
    )
    assert message(lambda: allow_anonymous(Free)) == ("@allow_anonymous on Free: write it on each method that needs it")


def test_a_method_s_policy_has_no_fields_that_all_calls_share() -> None:
    def find(self: Any) -> None: ...

    find.__qualname__ = "Shop.find"
    assert message(lambda: with_policy(Policy(timeout=1.0, eject_after=0, retry_ratio=0.1))(find)) == (
        "Shop.find: @with_policy sets eject_after, retry_ratio, which all calls of a component share; set it on the "
        "component's interface or with ServiceManager(policies={TheComponent: Policy(...)})"
    )


def test_a_component_cannot_be_made_per_call(catalog: Catalog) -> None:
    class Shop(Component): ...

    component("shop", catalog=catalog)(Shop)

    class Impl(Shop): ...

    assert message(lambda: implementation(scope="request", catalog=catalog)(Impl)) == (
        "@implementation(scope='request') on Impl: it implements component Shop, which is started once; write "
        "@implementation()"
    )


def test_the_life_cycle_of_a_component_has_the_kind_of_function_that_it_is_called_as(catalog: Catalog) -> None:
    @component(catalog=catalog)
    class Shop(Component): ...

    class Started(AbstractComponent, Shop):
        async def startup(self) -> None: ...  # type: ignore[override]

    class Checked(AbstractComponent, Shop):
        def get_health(self) -> None: ...  # type: ignore[override]

    declare = implementation(catalog=catalog)
    assert message(lambda: declare(Started)) == "Started.startup: write 'def startup', as Component declares it"
    assert message(lambda: declare(Checked)) == (
        "Checked.get_health: write 'async def get_health', as Component declares it"
    )
