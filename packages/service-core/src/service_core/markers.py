"""The markers that decorators set on classes and methods."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeVar

__all__ = ["functions_of", "order", "order_of", "stamp", "stamped_methods"]

T = TypeVar("T")

_ORDER: Final = "__service_order__"


def stamp(method: Callable[..., Any], attribute: str, value: object) -> None:
    """Add a value to those of the attribute of a method."""
    setattr(method, attribute, (*getattr(method, attribute, ()), value))


def stamped_methods(cls: type, attribute: str) -> dict[str, tuple[FunctionType, tuple[Any, ...]]]:
    """The methods of a class that have a marker, with its values, those of base classes first.

    A method that overrides another keeps its markers.
    """
    found: dict[str, tuple[FunctionType, tuple[Any, ...]]] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            if isinstance(member, FunctionType):
                stamps = getattr(member, attribute, found[name][1] if name in found else ())
                if stamps:
                    found[name] = (member, stamps)
    return found


def functions_of(cls: type) -> dict[str, FunctionType]:
    """The functions that objects of a class have as methods, its own and those that it inherits, by name."""
    members = {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}
    return {name: member for name, member in members.items() if isinstance(member, FunctionType)}


def order(value: int) -> Callable[[T], T]:
    """Set the order of a class or a method: lower first, 0 by default.

    It orders eager classes and ``@create`` methods when an environment starts, the hooks of one class, and
    advice, where the first is the outermost. Dependencies come before what depends on them in any case.
    """

    def decorate(target: T) -> T:
        setattr(target, _ORDER, value)
        return target

    return decorate


def order_of(target: object, default: int = 0) -> int:
    """The order of a class or a method."""
    found: int = getattr(target, _ORDER, default)
    return found
