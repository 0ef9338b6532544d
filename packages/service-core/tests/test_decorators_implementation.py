"""Which classes are implementations, and which are refused."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest

from service_core.catalog import Catalog
from service_core.decorators import implementation, service
from service_core.errors import DeclarationException
from service_core.interfaces import Service


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def message(declare: Callable[[], object]) -> str:
    with pytest.raises(DeclarationException) as caught:
        declare()
    return str(caught.value)


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
