"""Unions whose members hold the same union again: read in a time that doubles with each level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from service_core.wire.types.json_forms import Definitions, choices_of, forms_of
from service_core.wire.types.schema_parts import OBJECTS, OPAQUE, fields_of


def duplicates_in(union: Mapping[str, Any], definitions: Definitions) -> str:
    """Why reading a union may take exponential time, empty if it does not.

    pydantic tries one member after the other. If two have a field of one name that holds the union again, each of them
    reads all that is in it, so a request of some hundred bytes takes minutes. With a discriminator one is tried.
    """
    for one, other in combinations(_objects(union, definitions), 2):
        fields, others, both = fields_of(one), fields_of(other), {id(one["cls"]), id(other["cls"])}
        for name in fields.keys() & others.keys():
            if all(_holds(field["schema"], both, definitions) for field in (fields[name], others[name])):
                return (
                    f"'{one['cls'].__name__}' and '{other['cls'].__name__}' in a union both hold the union again in a "
                    f"field '{name}', so reading it takes exponential time; give both a field such as "
                    f"'kind: Literal[...]' and use Annotated[..., Field(discriminator='kind')] in each place"
                )
    return ""


def _objects(union: Mapping[str, Any], definitions: Definitions) -> list[Mapping[str, Any]]:
    forms = [form for choice in choices_of(union) for form in forms_of(choice, definitions)]
    return [form.schema for form in forms if form.read_as in OBJECTS and "cls" in form.schema]


def _holds(schema: Any, classes: set[int], definitions: Definitions) -> bool:
    """Whether a schema has a union of these classes in it."""
    for part in _parts(schema, definitions):
        if part.get("type") == "union":
            known = {id(one["cls"]) for one in _objects(part, definitions)}
            if classes <= known:
                return True
    return False


def _parts(schema: Any, definitions: Definitions) -> Iterator[Mapping[str, Any]]:
    waiting, seen = [schema], set[str]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, dict):
            yield part
            ref = part.get("schema_ref") if part.get("type") == "definition-ref" else None
            if ref is not None and ref not in seen and ref in definitions:
                seen.add(ref)
                waiting.append(definitions[ref])
            waiting += [inner for key, inner in part.items() if key not in OPAQUE]
