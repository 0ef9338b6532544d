"""Type variables of generic interfaces."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import pytest
import typing_extensions
from pydantic import BaseModel

from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import DeclarationException

T = TypeVar("T")
K = TypeVar("K")
D = typing_extensions.TypeVar("D", default=int)


@dataclass
class Item:
    number: int


class Page(BaseModel, Generic[T]):
    items: list[T]


class Repository(Service, Generic[K, T]):
    def get(self, key: K) -> T | None:
        raise NotImplementedError

    def put(self, item: Annotated[T, "kept"]) -> None: ...

    def find(self, keys: list[K]) -> dict[str, list[T]]:

        raise NotImplementedError

    def page(self) -> Page[T]:

        raise NotImplementedError


class Swapped(Repository[T, K], Generic[K, T]):
    def swap(self, key: T) -> K:
        raise NotImplementedError


def hints(interface: type) -> dict[str, list[Any]]:
    """The types of each method: those of the parameters, and that of the result."""
    methods = describe_service(interface, "test", "").methods
    return {name: [*(p.annotation for p in method.parameters), method.result] for name, method in methods.items()}


def test_a_type_variable_stands_for_the_type_that_the_interface_inherits_with() -> None:
    class Items(Repository[int, Item]): ...

    assert hints(Items) == {
        "get": [int, Item | None],
        "put": [Annotated[Item, "kept"], type(None)],
        "find": [list[int], dict[str, list[Item]]],
        "page": [Page[Item]],
    }


def test_type_variables_are_resolved_over_several_levels() -> None:
    class Items(Swapped[Item, int]): ...

    assert hints(Items)["get"] == [int, Item | None]
    assert hints(Items)["swap"] == [int, Item]


def test_a_nested_generic_type_can_be_given() -> None:
    class Lists(Repository[str, list[Page[int]]]): ...

    assert hints(Lists)["get"] == [str, list[Page[int]] | None]


def test_a_default_stands_for_a_type_that_is_not_given() -> None:
    class WithDefault(Service, Generic[D]):
        def get(self) -> list[D]:
            raise NotImplementedError

    class Plain(WithDefault): ...

    assert hints(Plain)["get"] == [list[int]]


def test_a_variable_without_a_type_is_refused() -> None:
    class Items(Repository): ...  # type: ignore[type-arg]

    with pytest.raises(
        DeclarationException, match=r"^Items\.get: 'key': the type variable K stands for no type.*write"
    ):
        hints(Items)


def test_a_variable_of_a_method_is_refused() -> None:
    class Echo(Service):
        def echo(self, value: list[T]) -> T:
            raise NotImplementedError

    with pytest.raises(DeclarationException, match=r"^Echo\.echo: 'value': the type variable T stands for no type"):
        hints(Echo)


STORE = """
from service_core.declaring.interfaces import Service

class Store[V](Service):
    def get(self, key: str) -> "list[V]":
        raise NotImplementedError

class Numbers(Store[int]): ...
"""
STORE_BEFORE_3_12 = """
from typing import Generic, TypeVar
from service_core.declaring.interfaces import Service

def store():
    V = TypeVar("V")
    class Store(Service, Generic[V]):
        __type_params__ = (V,)
        def get(self, key: str) -> "list[V]":
            raise NotImplementedError
    return Store

class Numbers(store()[int]): ...
"""


def test_the_type_parameters_of_a_class_are_type_variables() -> None:
    module: Any = types.ModuleType("numbers_store")
    exec(STORE if sys.version_info >= (3, 12) else STORE_BEFORE_3_12, module.__dict__)
    assert hints(module.Numbers)["get"] == [str, list[int]]
