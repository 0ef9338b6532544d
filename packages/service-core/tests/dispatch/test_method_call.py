"""Arguments that a caller does not give get the defaults of the implementation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import pytest

from service_core.arguments import NOT_GIVEN
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.dispatch.method_call import taking_arguments


class Shop(Service):
    @abstractmethod
    def find(self, name: str, limit: int = 1, skip: int = 2, *, deep: bool = False, sort: str = "a") -> Any: ...

    @abstractmethod
    def place(self, first: int, second: int = 2, third: int = 3) -> Any: ...

    @abstractmethod
    def plain(self, first: int) -> Any: ...


METHODS = describe_service(Shop, "shop", "").methods


class ShopImpl(Shop):
    def find(self, name: str, limit: int = 100, skip: int = 200, *, deep: bool = True, sort: str = "z") -> Any:
        return name, limit, skip, deep, sort

    def place(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, first: int, second: int = 20, third: int = 30, /, further: int = 40
    ) -> Any:
        return first, second, third, further

    def plain(self, first: int) -> Any:
        return first


class Variadic(Shop):
    def find(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    def place(self, *args: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return args

    def plain(self, first: int) -> Any:
        return first


def method(name: str) -> MethodDescriptor:
    return METHODS[name]


@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("find", ("x",), ("x", 100, 200, True, "z")),
        ("find", ("x", 5), ("x", 5, 200, True, "z")),
        ("find", ("x", NOT_GIVEN, 6), ("x", 100, 6, True, "z")),
        ("find", ("x", NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, "b"), ("x", 100, 200, True, "b")),
        ("find", ("x", NOT_GIVEN, 6, False), ("x", 100, 6, False, "z")),
        ("place", (1,), (1, 20, 30, 40)),
        ("place", (1, NOT_GIVEN, 7), (1, 20, 7, 40)),
    ],
)
def test_a_gap_is_the_default_of_the_implementation(name: str, arguments: tuple[Any, ...], outcome: Any) -> None:
    assert taking_arguments(getattr(ShopImpl(), name), method(name))(*arguments) == outcome


def test_an_implementation_that_takes_anything_gets_the_default_of_the_interface_for_a_gap() -> None:
    assert taking_arguments(Variadic().place, method("place"))(1, NOT_GIVEN, 7) == (1, 2, 7)
    assert taking_arguments(Variadic().find, method("find"))("x", NOT_GIVEN, 6, True) == (("x", 1, 6), {"deep": True})


def test_a_method_whose_arguments_are_all_given_by_place_is_called_directly() -> None:
    plain = ShopImpl().plain
    assert taking_arguments(plain, method("plain")) is plain
