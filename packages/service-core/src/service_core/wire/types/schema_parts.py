"""The parts of a core schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service_core.wire.types.json_forms import Definitions

OPAQUE: Final = frozenset({"cls", "metadata", "function", "default", "expected", "members", "config", "post_init"})
"""Members of a schema that hold classes, functions and values."""
PYTHON_ONLY: Final = frozenset({"python_schema", "strict_schema", "serialization", "computed_fields"})
"""Members of a schema by which no JSON is read."""
OBJECTS: Final = frozenset({"model", "dataclass", "typed-dict"})
"""Kinds of schemas whose values have fields."""
_CHECKS: Final = frozenset({"function-before", "function-after", "function-wrap"})


def parts_of(schema: Any, skipped: frozenset[str] = OPAQUE) -> Iterator[dict[str, Any]]:
    """All parts of a core schema that say how values are, outermost first."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("type"), str):
                yield part
            waiting += [inner for key, inner in part.items() if key not in skipped and not isinstance(inner, str)]
        elif isinstance(part, list | tuple):
            waiting += part


def definitions_in(schema: Any) -> Definitions:
    """The parts of a schema that others refer to."""
    return {part["ref"]: part for part in parts_of(schema) if "ref" in part}


def inner_schema(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with the fields of a model, dataclass or TypedDict, inside of its validators."""
    inner = part if part["type"] == "typed-dict" else part["schema"]
    while inner["type"] in _CHECKS:
        inner = inner["schema"]
    return inner


def fields_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a model, dataclass or TypedDict by name; none of a model that is no object."""
    found = inner_schema(part).get("fields", {})
    return dict(found) if isinstance(found, Mapping) else {field["name"]: field for field in found}
