"""Types as text, the way that Python writes them."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Any, Final

__all__ = ["stream_item", "type_name"]

_STREAMS: Final = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
)


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


def stream_item(annotation: Any) -> Any | None:
    """The type of the items of a stream, None for a type that is none."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return stream_item(typing.get_args(annotation)[0])
    arguments = typing.get_args(annotation)
    return arguments[0] if origin in _STREAMS and arguments else None


def _argument(argument: Any) -> str:
    return f"[{', '.join(map(type_name, argument))}]" if isinstance(argument, list) else type_name(argument)


def _plain_name(annotation: Any) -> str:
    name = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else str(annotation).removeprefix("typing.")
