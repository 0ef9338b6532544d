"""Streams in the OpenAPI description.

OpenAPI 3.1 has no words for streams. As version 3.2 defines it, the schema of such a media type is that of a list of
its lines or events, so that readers of both versions see the type of an item.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from service_core.rest import EVENT_STREAM, NDJSON, RouteCodec
from service_core.wire import WireType
from service_server_fastapi.rest.arguments import described


def document_result(route_codec: RouteCodec, schema: dict[str, Any], operation: dict[str, Any]) -> None:
    """Describe the result that is a stream as content of both types; ``schema`` is the whole document."""
    if route_codec.items is None:
        return
    item = _schema(route_codec.items, route_codec, schema)
    event = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "event": {"type": "string", "enum": ["message", "end", "problem"]},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": item},
        },
    }
    response = operation["responses"][str(route_codec.status)]
    response["description"] = (
        'A stream: an item in each line or event. It ends with {"$problem": ...} or an event "problem" if it fails, '
        'and with an event "end" else.'
    )
    response["content"] = {
        NDJSON: {"schema": {"type": "array", "items": item}},
        EVENT_STREAM: {"schema": {"type": "array", "items": event}},
    }


def document_input(route_codec: RouteCodec, schema: dict[str, Any], operation: dict[str, Any]) -> None:
    """Describe the argument that is a stream as the body of the request."""
    if route_codec.input_items is None:
        return
    item = _schema(route_codec.input_items, route_codec, schema)
    operation["requestBody"] = {
        "description": "A stream: an item in each line.",
        "required": True,
        "content": {NDJSON: {"schema": {"type": "array", "items": item}}},
    }


def _schema(item: WireType, route_codec: RouteCodec, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an item; those that it refers to are added to the document, under names of their own."""
    prefix = f"{route_codec.service.name}.{route_codec.method.name}."
    template = f"#/components/schemas/{prefix}{{model}}"
    found = TypeAdapter(described(item)).json_schema(ref_template=template)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, definition in found.pop("$defs", {}).items():
        schemas[prefix + name] = definition
    return found
