"""The JSON types of a parameter that travels as text, and whether its texts show which of them was meant.

Text has no quotes: the number 5 and the text "5" look alike in a path, a query or a header.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import from_json

from service_core.errors import DeclarationException

_JSON_TYPES: Final[dict[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}
_WRITTEN_BARE: Final = frozenset({"integer", "number", "boolean"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTypes:
    """The JSON types that values of a type have."""

    kinds: frozenset[str]
    """Those of the value itself."""
    item_kinds: frozenset[str]
    """Those of the items of its lists."""
    alike: str
    """Which of them look alike as text, empty if none do."""

    @classmethod
    def of(cls, annotation: Any, where: str) -> TextTypes:
        """Find them. Raises DeclarationException, in the name of ``where``, if the type has no JSON Schema."""
        try:
            schema = TypeAdapter(annotation).json_schema(mode="serialization")
        except PydanticInvalidForJsonSchema as error:
            raise DeclarationException(f"{where}: the type cannot be described as JSON: {error}") from error
        definitions = schema.get("$defs", {})
        options = list(_options(schema, definitions))
        items = [inner for option in options for item in _items(option) for inner in _options(item, definitions)]
        return cls(kinds=_kinds(options), item_kinds=_kinds(items), alike=_alike(options) or _alike(items))


def _items(schema: dict[str, Any]) -> list[Any]:
    """The schemas of a list's items; of items of any type the one that says nothing."""
    if schema.get("type") != "array":
        return []
    items = schema.get("items", None if "prefixItems" in schema else {})
    return [*schema.get("prefixItems", ()), *([items] if isinstance(items, dict) else ())]


def _options(schema: Any, definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        yield from _options(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return
    unions = [schema[union] for union in ("anyOf", "oneOf") if union in schema]
    if not unions:
        yield schema
    for part in unions[0] if unions else ():
        yield from _options(part, definitions)


def _kinds(options: Iterable[dict[str, Any]]) -> frozenset[str]:
    return frozenset(kind for option in options for kind in _json_types(option))


def _json_types(schema: dict[str, Any]) -> set[str]:
    if "type" in schema:
        kind = schema["type"]
        return set(kind) if isinstance(kind, list) else {kind}
    return {_JSON_TYPES.get(type(value), "anything") for value in _values(schema) or [...]}


def _values(schema: dict[str, Any]) -> list[Any]:
    """The only values of a schema, none if they are not listed."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _alike(options: list[dict[str, Any]]) -> str:
    bare = _kinds(options) & _WRITTEN_BARE
    if not bare:
        return ""
    for option in options:
        values = _values(option)
        if not values and "string" in _json_types(option):
            return f"a value of JSON type string may look like one of type {' or '.join(sorted(bare))}"
        for value in values:
            if isinstance(value, str) and _bare_type(value) in bare:
                return f"the text {value!r} looks like a value of type {_bare_type(value)}"
    return ""


def _bare_type(text: str) -> str:
    try:
        return _JSON_TYPES.get(type(from_json(text)), "")
    except ValueError:
        return ""
