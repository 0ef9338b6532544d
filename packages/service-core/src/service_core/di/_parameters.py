"""The parameters of a callable that are injected, from its signature."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from service_core.errors import DependencyException


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InjectedParameter:
    """A parameter for which the container has to find an argument."""

    name: str
    type: Any
    """The type to inject: the type hint, without the ``| None`` of a default."""
    required: bool
    """Whether it has no default; a default is kept if its type is not provided."""
    where: str
    """``parameter 'x' of Class.method()``, for messages."""


def parameters_of(method: Callable[..., Any], where: str) -> tuple[InjectedParameter, ...]:
    """The parameters of a method except the first, its object. Raises DependencyException."""
    hints = type_hints(method, where)
    found: list[InjectedParameter] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        name, required = parameter.name, parameter.default is parameter.empty
        if name in hints:
            hint = hints[name] if required else _without_none(hints[name])
            place = f"parameter '{name}' of {where}()"
            found.append(InjectedParameter(name=name, type=hint, required=required, where=place))
        elif required:
            raise DependencyException(
                f"parameter '{name}' of {where}() has no type hint; "
                f"write '{name}: <type>', since it is injected by its type"
            )
    return tuple(found)


def type_hints(function: Callable[..., Any], where: str) -> dict[str, Any]:
    """The resolved type hints of a function. Raises DependencyException."""
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        raise DependencyException(
            f"{where}(): the type '{error.name}' cannot be found from module '{function.__module__}'; "
            f"import it there, outside of 'if TYPE_CHECKING' and of functions, since it is injected by its type"
        ) from error


def arguments(parameters: Iterable[InjectedParameter], supply: Mapping[InjectedParameter, Any]) -> dict[str, Any]:
    """The arguments by name; a parameter without a value keeps its default."""
    return {parameter.name: supply[parameter] for parameter in parameters if parameter in supply}


def name_of(kind: Any) -> str:
    """A type as written in code."""
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        arms = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
        return arms[0] if len(arms) == 1 else hint
    return hint
