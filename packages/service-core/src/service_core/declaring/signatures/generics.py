"""Type variables of generic interfaces: which type each stands for in an interface that inherits with a type.

``class ItemRepository(Repository[Item])`` binds the variable of ``Repository`` to ``Item``. Both spellings count:
``Generic[T]`` and the type parameters of Python 3.12.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from service_core.errors import DeclarationException

Bindings = Mapping[Any, Any]
"""The type of each type variable."""

_NOT_GIVEN: Final = object()


def bindings_of(interface: type, base: type) -> Bindings:
    """What the type variables of ``base`` stand for in ``interface``, which inherits from it."""
    return _collected(interface, {}).get(base, {})


def type_parameters(owner: type) -> dict[str, Any]:
    """The type parameters of a class by name, for annotations that are text; empty before Python 3.12."""
    return {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())}


def resolved(hint: Any, bindings: Bindings, where: str) -> Any:
    """The type hint with types in place of type variables. Raises DeclarationException if one has no type."""
    if isinstance(hint, TypeVar):
        hint = bindings.get(hint, _default(hint))
    else:
        parameters = _parameters(hint, bindings)
        if parameters:
            hint = hint[tuple(bindings.get(one, _default(one)) for one in parameters)]
    left = [hint] if isinstance(hint, TypeVar) else _parameters(hint, bindings)
    if left:
        raise DeclarationException(
            f"{where}: the type variable {left[0].__name__} stands for no type, so values cannot be validated; inherit "
            f"from a generic interface with a type, as in 'class ItemRepository(Repository[Item])', or write the type"
        )
    return hint


def _collected(cls: type, found: dict[type, Bindings]) -> dict[type, Bindings]:
    own = found.get(cls, {})
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if not inspect.isclass(origin) or origin in (object, typing.Generic):
            continue
        arguments = [_substituted(argument, own) for argument in typing.get_args(base)]
        found[origin] = dict(zip(getattr(origin, "__parameters__", ()), arguments, strict=False))
        _collected(origin, found)
    return found


def _substituted(argument: Any, bindings: Bindings) -> Any:
    if isinstance(argument, TypeVar):
        return bindings.get(argument, argument)
    parameters = _parameters(argument, bindings)
    return argument[tuple(bindings.get(one, one) for one in parameters)] if parameters else argument


def _parameters(hint: Any, bindings: Bindings) -> tuple[Any, ...]:
    """The free type variables of a hint. A generic model that is subscribed with its own variable is its class."""
    parameters = tuple(getattr(hint, "__parameters__", ()))
    if inspect.isclass(hint) and typing.get_origin(hint) is None and not any(one in bindings for one in parameters):
        return ()
    return parameters


def _default(variable: Any) -> Any:
    default = getattr(variable, "__default__", _NOT_GIVEN)
    has_default = getattr(variable, "has_default", lambda: False)()
    return default if has_default else variable
