"""Whether what one version writes can be read by another."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from service_cli.diffing.schemas import Fault, mismatches


def obj(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or []}


TEXT, NUMBER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        (TEXT, TEXT),
        (NUMBER, {"type": "number"}),
        (TEXT, {}),
        (NUMBER, {"anyOf": [NUMBER, NULL]}),
        ({"enum": ["a"], "type": "string"}, {"enum": ["a", "b"], "type": "string"}),
        ({"type": "integer", "minimum": 2}, {"type": "integer", "minimum": 1}),
        (obj(["a"], a=TEXT), obj(["a"], a=TEXT, b=TEXT)),
        ({"type": "array", "items": NUMBER}, {"type": "array", "items": {"type": "number"}}),
        ({"title": "A", **TEXT}, {"title": "B", **TEXT}),
    ],
)
def test_what_is_as_narrow_or_narrower_is_read(writer: dict[str, Any], reader: dict[str, Any]) -> None:
    assert mismatches(writer, reader) == []


@pytest.mark.parametrize(
    ("writer", "reader", "path", "fault"),
    [
        (TEXT, {"type": "boolean"}, "", Fault.REFUSED),
        (NUMBER, TEXT, "", Fault.REFUSED),
        ({"type": "number"}, NUMBER, "", Fault.SOME_REFUSED),
        ({"anyOf": [NUMBER, NULL]}, NUMBER, "", Fault.SOME_REFUSED),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "", Fault.SOME_REFUSED),
        (TEXT, {"enum": ["a"], "type": "string"}, "", Fault.SOME_REFUSED),
        (NUMBER, {"type": "integer", "minimum": 1}, "", Fault.SOME_REFUSED),
        (TEXT, {"type": "string", "maxLength": 3}, "", Fault.SOME_REFUSED),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}, "", Fault.SOME_REFUSED),
        (obj(), obj(["a"], a=TEXT), "a", Fault.REFUSED),
        (obj(a=TEXT, b=TEXT), obj(a=TEXT), "b", Fault.SOME_UNKNOWN),
        (obj(["a", "b"], a=TEXT, b=TEXT), obj(a=TEXT), "b", Fault.UNKNOWN),
        (obj(a=TEXT), {**obj(), "additionalProperties": False}, "a", Fault.REFUSED),
        (obj(a=obj(b=TEXT)), obj(a=obj(b=NULL)), "a.b", Fault.REFUSED),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": NULL}, "[]", Fault.REFUSED),
    ],
)
def test_what_is_wider_or_other_is_named_with_its_place(
    writer: dict[str, Any], reader: dict[str, Any], path: str, fault: Fault
) -> None:
    (found,) = mismatches(writer, reader)

    assert (found.path, found.fault) == (path, fault)


def test_types_that_refer_to_themselves_are_compared() -> None:
    node = {"$defs": {"N": obj(next={"$ref": "#/$defs/N"})}, "$ref": "#/$defs/N"}
    other = {"$defs": {"N": obj(["a"], next={"$ref": "#/$defs/N"}, a=TEXT)}, "$ref": "#/$defs/N"}

    assert mismatches(node, node) == []
    assert [one.path for one in mismatches(node, other)] == ["a"]


@pytest.mark.parametrize(
    ("writer", "reader", "value"),
    [(int, str, 1), (str, bool, "x"), (float, int, 1.5), (int | None, int, None), (list[str], list[None], ["a"])],
)
def test_what_is_said_to_be_refused_is_refused_by_pydantic(writer: Any, reader: Any, value: Any) -> None:
    schemas = [TypeAdapter(one).json_schema() for one in (writer, reader)]

    assert mismatches(*schemas)
    with pytest.raises(ValueError, match="validation error"):
        TypeAdapter(reader).validate_json(TypeAdapter(writer).dump_json(value))
