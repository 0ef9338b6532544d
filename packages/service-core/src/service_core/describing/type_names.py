"""Types as text, the way that Python writes them."""

from __future__ import annotations

import types
import typing
from typing import Any


def type_name(annotation: Any) -> str:
    """A type hint as its author wrote it, without modules and without what ``Annotated`` adds."""
    if annotation is None or annotation is types.NoneType:
        return "None"
    if annotation is ...:
        return "..."
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_name(argument) for argument in arguments)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and arguments:
        return f"{_plain_name(origin)}[{', '.join(_argument(argument) for argument in arguments)}]"
    return _plain_name(annotation)


def _argument(argument: Any) -> str:
    return f"[{', '.join(map(type_name, argument))}]" if isinstance(argument, list) else type_name(argument)


def _plain_name(annotation: Any) -> str:
    name = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else str(annotation).removeprefix("typing.")
