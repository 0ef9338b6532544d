"""Streams in the OpenAPI description.

OpenAPI 3.1 has no words for streams. As version 3.2 defines it, the schema of such a media type is that of a list of
its lines or events, so that readers of both versions see the type of an item.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from service_core.rest import EVENT_STREAM, NDJSON, RoutePlan
from service_core.wire import WireType
from service_server_fastapi.rest.arguments import described

__all__ = ["document_input", "document_result"]


def document_result(plan: RoutePlan, schema: dict[str, Any], operation: dict[str, Any]) -> None:
    """Describe the result that is a stream as content of both types; ``schema`` is the whole document."""
    if plan.items is None:
        return
    item = _schema(plan.items, plan, schema)
    event = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "event": {"type": "string", "enum": ["message", "end", "problem"]},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": item},
        },
    }
    response = operation["responses"][str(plan.status)]
    response["description"] = (
        'A stream: an item in each line or event. It ends with {"$problem": ...} or an event "problem" if it fails, '
        'and with an event "end" else.'
    )
    response["content"] = {
        NDJSON: {"schema": {"type": "array", "items": item}},
        EVENT_STREAM: {"schema": {"type": "array", "items": event}},
    }


def document_input(plan: RoutePlan, schema: dict[str, Any], operation: dict[str, Any]) -> None:
    """Describe the argument that is a stream as the body of the request."""
    if plan.input_items is None:
        return
    item = _schema(plan.input_items, plan, schema)
    operation["requestBody"] = {
        "description": "A stream: an item in each line.",
        "required": True,
        "content": {NDJSON: {"schema": {"type": "array", "items": item}}},
    }


def _schema(item: WireType, plan: RoutePlan, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an item; those that it refers to are added to the document, under names of their own."""
    prefix = f"{plan.service.name}.{plan.method.name}."
    template = f"#/components/schemas/{prefix}{{model}}"
    found = TypeAdapter(described(item)).json_schema(ref_template=template)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, definition in found.pop("$defs", {}).items():
        schemas[prefix + name] = definition
    return found
