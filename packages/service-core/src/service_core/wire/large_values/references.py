"""Parts of core schemas that cannot be taken out of the whole as they are: they name others, or are given others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service_core.wire.types.schema_parts import OBJECTS, OPAQUE


def needs_others(schema: Any) -> bool:
    """Whether a function is given the other fields of the object that a schema is a part of."""
    if isinstance(schema, list | tuple):
        return any(map(needs_others, schema))
    if not isinstance(schema, dict) or schema.get("type") in OBJECTS:
        return False
    if schema.get("type") == "with-info" or (schema.get("function") or {}).get("type") == "with-info":
        return True
    return any(needs_others(part) for key, part in schema.items() if key not in OPAQUE and key != "serialization")


def references(schema: Any) -> Iterator[str]:
    """The names of what a schema refers to."""
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from references(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "definition-ref":
            yield schema["schema_ref"]
        for key, part in schema.items():
            if key not in OPAQUE:
                yield from references(part)


def without_names(schema: Any) -> Any:
    """A copy in which no part can be referred to."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(without_names, schema))
    if not isinstance(schema, dict):
        return schema
    return {
        key: part if key in OPAQUE else without_names(part)
        for key, part in schema.items()
        if key != "ref" or not isinstance(schema.get("type"), str)
    }
