"""Checks JSON values by JSON Schema, as far as descriptions use it.

What a server validates beyond this, such as formats and patterns, it refuses itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from service_cli.schema import Schema, join, kinds_of, options_of, resolved, values_of

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_BOUNDS: Final[Sequence[tuple[str, Callable[[Any, Any], bool], str]]] = (
    ("minimum", operator.lt, "at least"),
    ("maximum", operator.gt, "at most"),
    ("exclusiveMinimum", operator.le, "greater than"),
    ("exclusiveMaximum", operator.ge, "less than"),
)


def problems(value: Any, schema: Schema, root: Schema, path: str = "") -> Iterator[str]:
    """What is wrong with a value, each with its place; ``root`` holds the definitions."""
    schema = resolved(schema, root)
    if options := options_of(schema):
        yield from _in_none(value, options, root, path)
    elif "const" in schema and value != schema["const"]:
        yield _at(path, f"must be {schema['const']!r}")
    elif "enum" in schema and value not in schema["enum"]:
        yield _at(path, f"must be one of {', '.join(map(repr, schema['enum']))}")
    elif not _has_type(value, kinds_of(schema)):
        yield _at(path, f"must be of type {' or '.join(kinds_of(schema))}, not {_type_of(value)}")
    else:
        yield from _limits(value, schema, path)
        if isinstance(value, dict):
            yield from _in_object(value, schema, root, path)
        elif isinstance(value, list):
            yield from _in_array(value, schema, root, path)


def accepts_text(schema: Schema, root: Schema) -> bool:
    """Whether a value may be a text."""
    schema = resolved(schema, root)
    if options := options_of(schema):
        return any(accepts_text(option, root) for option in options)
    values = values_of(schema)
    if values is not None:
        return any(isinstance(value, str) for value in values)
    return "string" in (kinds_of(schema) or ("string",))


def _in_none(value: Any, options: Sequence[Schema], root: Schema, path: str) -> Iterator[str]:
    found = [list(problems(value, option, root, path)) for option in options]
    if all(found):
        # The option that comes closest has the fewest problems, and not one of the type itself.
        yield min(found, key=lambda one: (one[0].startswith(_at(path, "must be of type")), len(one)))[0]


def _in_object(value: Mapping[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    properties, other = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield _at(path, f"field '{name}' is missing")
    for name, part in value.items():
        if name in properties:
            yield from problems(part, properties[name], root, join(path, name))
        elif isinstance(other, Mapping):
            yield from problems(part, other, root, join(path, name))
        elif other is False or (properties and other is None):
            yield _at(path, f"there is no field '{name}'; the fields are {', '.join(properties)}")


def _in_array(value: list[Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    prefix = schema.get("prefixItems", [])
    for index, item in enumerate(value):
        of_item = prefix[index] if index < len(prefix) else schema.get("items", {})
        if isinstance(of_item, Mapping):
            yield from problems(item, of_item, root, join(path, str(index)))


def _limits(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        for name, misses, words in _BOUNDS:
            if name in schema and misses(value, schema[name]):
                yield _at(path, f"must be {words} {schema[name]}")
    size, least, most = _size_limits(value, schema)
    if size < least:
        yield _at(path, f"must have at least {least} {'characters' if isinstance(value, str) else 'items'}")
    if most is not None and size > most:
        yield _at(path, f"must have at most {most} {'characters' if isinstance(value, str) else 'items'}")


def _size_limits(value: Any, schema: Schema) -> tuple[int, int, int | None]:
    if isinstance(value, str):
        return len(value), schema.get("minLength", 0), schema.get("maxLength")
    if isinstance(value, list):
        return len(value), schema.get("minItems", 0), schema.get("maxItems")
    return 0, 0, None


def _has_type(value: Any, kinds: list[str]) -> bool:
    for kind in kinds:
        if isinstance(value, bool) and kind in ("integer", "number"):
            continue
        if isinstance(value, _TYPES.get(kind, (object,))):
            return True
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return not kinds


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next(kind for kind, types in _TYPES.items() if isinstance(value, types))


def _at(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text
