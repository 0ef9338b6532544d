"""Schemas in which some values are read elsewhere: numbers stand for them, and they are taken from a list.

What is around such a value is read as always, so that validators, limits and other fields see it where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from service_core.errors import ArgumentException
from service_core.wire.types.json_forms import Definitions

SchemaPath: TypeAlias = tuple[str | int, ...]
"""Where a part of a schema stands; what is referred to stands where the reference does."""

_ANY: Final = {"type": "any"}
_INNER: Final = frozenset({"items_schema", "keys_schema", "values_schema", "variadic_item_index"})
_READ: Final = frozenset({"type", "ref", "metadata", "serialization", "strict", *_INNER})
"""Members that say nothing more about a container whose items have been read."""

_HELD: ContextVar[Sequence[Any]] = ContextVar("_HELD")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that is not accepted."""

    error: Exception

    def found(self) -> Exception:
        """The error, as a validator raises it."""
        details = self.error.details if isinstance(self.error, ArgumentException) else None
        if not details:
            return self.error.__cause__ if isinstance(self.error.__cause__, Exception) else self.error
        lines: list[InitErrorDetails] = [
            {"type": PydanticCustomError(one["type"], one["msg"]), "loc": tuple(one["loc"]), "input": None}
            for one in details
        ]
        return ValidationError.from_exception_data("", lines)


@contextmanager
def filled(values: Sequence[Any]) -> Iterator[None]:
    """Holes take these values."""
    token = _HELD.set(values)
    try:
        yield
    finally:
        _HELD.reset(token)


def _take(number: int) -> Any:
    value = _HELD.get()[number]
    if isinstance(value, Wrong):
        raise value.found()
    return value


_HOLE: Final = {"type": "function-plain", "function": {"type": "no-info", "function": _take}}


def schema_at(schema: Any, definitions: Definitions) -> Any:
    """The schema itself, or what it refers to."""
    while schema["type"] == "definition-ref":
        schema = definitions[schema["schema_ref"]]
    return schema


def with_holes(schema: Any, paths: Sequence[SchemaPath], definitions: Definitions) -> Any:
    """A copy of a schema whose containers at these places are holes."""
    if () in paths:
        return _hole(schema_at(schema, definitions))
    if isinstance(schema, list | tuple):
        return [
            with_holes(part, inner, definitions) if (inner := _within(paths, index)) else part
            for index, part in enumerate(schema)
        ]
    if "schema_ref" in schema:
        schema = {key: part for key, part in schema_at(schema, definitions).items() if key != "ref"}
    return {
        key: with_holes(part, inner, definitions) if (inner := _within(paths, key)) else part
        for key, part in schema.items()
    }


def _within(paths: Sequence[SchemaPath], key: str | int) -> list[SchemaPath]:
    return [path[1:] for path in paths if path[0] == key]


def _hole(container: Mapping[str, Any]) -> Any:
    if container.keys() <= _READ:
        return _HOLE
    limits = {key: part for key, part in container.items() if key not in _INNER and key not in ("ref", "serialization")}
    if container["type"] == "tuple":
        limits |= {"items_schema": [_ANY], "variadic_item_index": 0}
    return {"type": "chain", "steps": [_HOLE, limits]}
