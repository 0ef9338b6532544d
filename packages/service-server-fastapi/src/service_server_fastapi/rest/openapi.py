"""The OpenAPI description of the routes of services: texts, results, and failures as problem details."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Protocol

from fastapi import FastAPI
from pydantic import Field, create_model

from service_core import ErrorCode
from service_core.rest import PROBLEM_TYPE, Problem, RouteCodec
from service_core.wire import DeclaredError
from service_server_fastapi.rest.arguments import described
from service_server_fastapi.rest.stream_openapi import document_input, document_result

_ALWAYS: Final[Mapping[int | str, str]] = {
    500: "The method failed.",
    503: "The server has too much to do, or is about to stop.",
    504: "The deadline of the call has passed.",
    "default": "Any other failure.",
}
_BEARER: Final = "bearer"
_SECURED: Final[Mapping[int | str, str]] = {401: "There is no bearer token, or it is not accepted."}
_WITH_PARAMETERS: Final[Mapping[int | str, str]] = {422: "An argument is missing or wrong."}
_WITH_BODY: Final[Mapping[int | str, str]] = {
    400: "The body is not JSON.",
    413: "The body is too large.",
    415: "The body is of another content type.",
}
_WITH_STREAM: Final[Mapping[int | str, str]] = {406: "The request accepts no stream."}


def documented(route_codec: RouteCodec, *, secured: bool) -> dict[str, Any]:
    """The arguments of FastAPI's route for a method; ``secured`` if it requires a token."""
    summary, _, description = inspect.cleandoc(route_codec.method.function.__doc__ or "").partition("\n")
    status = route_codec.status
    texts_given: dict[str, Any] = {
        "name": route_codec.method.name,
        "operation_id": f"{route_codec.service.name}.{route_codec.method.name}",
        "summary": route_codec.route.summary or summary.strip() or None,
        "description": route_codec.route.description or description.strip() or None,
        "tags": list(route_codec.route.tags or route_codec.prefix.tags or [route_codec.service.name]),
        "deprecated": route_codec.route.deprecated or None,
        "status_code": status,
        "response_model": described(route_codec.result)
        if route_codec.has_result and route_codec.items is None
        else None,
        "response_description": "Success",
        "responses": _failures(route_codec, secured=secured),
        "openapi_extra": {},
    }
    if route_codec.route.examples:
        examples = {f"example {number}": {"value": one} for number, one in enumerate(route_codec.route.examples, 1)}
        texts_given["openapi_extra"]["responses"] = {
            str(status): {"content": {"application/json": {"examples": examples}}}
        }
    if secured:
        texts_given["openapi_extra"]["security"] = [{_BEARER: []}]
    return texts_given


class DocumentedRoute(Protocol):
    """What the description needs of a route."""

    route_codec: RouteCodec
    path_format: str


def complete_document(app: FastAPI, routes: Iterable[DocumentedRoute]) -> None:
    """Describe what FastAPI has no options for: problem details as the type of failures, tokens, and streams.

    FastAPI has one content type for all answers of a route, and knows only schemes that it checks.
    """
    original = app.openapi
    operations = {(route.path_format, route.route_codec.verb.lower()): route for route in routes}

    def openapi() -> dict[str, Any]:
        schema = original()
        for (path, verb), route in operations.items():
            operation = schema.get("paths", {}).get(path, {}).get(verb)
            if operation is None:
                continue
            if {_BEARER: []} in operation.get("security", ()):
                schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
                schemes[_BEARER] = {"type": "http", "scheme": "bearer"}
            for status, response in operation.get("responses", {}).items():
                content = response.get("content", {})
                if status != str(route.route_codec.status) and "application/json" in content:
                    content[PROBLEM_TYPE] = content.pop("application/json")
            document_result(route.route_codec, schema, operation)
            document_input(route.route_codec, schema, operation)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
    app.openapi_schema = None


def _failures(route_codec: RouteCodec, *, secured: bool) -> dict[int | str, dict[str, Any]]:
    texts = dict(_ALWAYS)
    if secured:
        texts |= _SECURED
    if route_codec.parameters:
        texts |= _WITH_PARAMETERS
    if route_codec.body is not None or route_codec.input_items is not None:
        texts |= _WITH_BODY
    if route_codec.items is not None:
        texts |= _WITH_STREAM
    failures: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in texts.items()
    }
    for declared in route_codec.call.errors.values():
        code = declared.code
        known = failures.setdefault(code.http_status, {"model": None, "description": ""})
        model = _problem_of(declared, code)
        known["model"] = model if known["model"] is None else known["model"] | model
        text = inspect.cleandoc(declared.cls.__doc__ or "").partition("\n")[0] or declared.cls.__name__
        known["description"] = f"{known['description']} {text}".strip()
    return failures


def _problem_of(declared: DeclaredError, code: ErrorCode) -> Any:
    name = declared.cls.__name__
    details = create_model(f"{name}Details", fields=(described(declared.fields), ...))
    fields: dict[str, Any] = {
        "code": (Literal[code], Field(description="The kind of failure.")),
        "error": (Literal[name], Field(description="The class of the error.")),
        "details": (details, Field(description="The error's fields.")),
    }
    return create_model(f"{name}Problem", __base__=Problem, **fields)
