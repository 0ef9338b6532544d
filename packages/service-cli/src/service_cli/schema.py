"""Parts of a JSON Schema, as descriptions have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a reference stands for; ``root`` holds the definitions."""
    while "$ref" in schema:
        schema = root.get("$defs", {})[schema["$ref"].rpartition("/")[2]]
    return schema


def options_of(schema: Schema) -> Sequence[Schema]:
    """The members of a union, none if it is not one."""
    options: Sequence[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return options


def values_of(schema: Schema) -> list[Any] | None:
    """The only values that fit, None if they are not listed."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def kinds_of(schema: Schema) -> list[str]:
    """The types of JSON that fit, none if all do."""
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def join(path: str, name: str) -> str:
    """The path of a member below the path of its object."""
    return f"{path}.{name}" if path else name
