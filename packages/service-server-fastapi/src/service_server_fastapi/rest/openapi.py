"""The OpenAPI description of the routes of services: texts, results, and failures as problem details."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Protocol

from fastapi import FastAPI
from pydantic import Field, create_model

from service_core import ErrorCode
from service_core.rest import PROBLEM_TYPE, Problem, RoutePlan
from service_core.wire import DeclaredError
from service_server_fastapi.rest.arguments import described
from service_server_fastapi.rest.stream_openapi import document_input, document_result

__all__ = ["complete_document", "documented"]

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


def documented(plan: RoutePlan, *, secured: bool) -> dict[str, Any]:
    """The arguments of FastAPI's route for a method; ``secured`` if it requires a token."""
    summary, _, description = inspect.cleandoc(plan.method.function.__doc__ or "").partition("\n")
    status = plan.status
    said: dict[str, Any] = {
        "name": plan.method.name,
        "operation_id": f"{plan.service.name}.{plan.method.name}",
        "summary": plan.route.summary or summary.strip() or None,
        "description": plan.route.description or description.strip() or None,
        "tags": list(plan.route.tags or plan.prefix.tags or [plan.service.name]),
        "deprecated": plan.route.deprecated or None,
        "status_code": status,
        "response_model": described(plan.result) if plan.has_result and plan.items is None else None,
        "response_description": "Success",
        "responses": _failures(plan, secured=secured),
        "openapi_extra": {},
    }
    if plan.route.examples:
        examples = {f"example {number}": {"value": one} for number, one in enumerate(plan.route.examples, 1)}
        said["openapi_extra"]["responses"] = {str(status): {"content": {"application/json": {"examples": examples}}}}
    if secured:
        said["openapi_extra"]["security"] = [{_BEARER: []}]
    return said


class DocumentedRoute(Protocol):
    """What the description needs of a route."""

    plan: RoutePlan
    path_format: str


def complete_document(app: FastAPI, routes: Iterable[DocumentedRoute]) -> None:
    """Describe what FastAPI has no options for: problem details as the type of failures, tokens, and streams.

    FastAPI has one content type for all answers of a route, and knows only schemes that it checks.
    """
    original = app.openapi
    operations = {(route.path_format, route.plan.verb.lower()): route for route in routes}

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
                if status != str(route.plan.status) and "application/json" in content:
                    content[PROBLEM_TYPE] = content.pop("application/json")
            document_result(route.plan, schema, operation)
            document_input(route.plan, schema, operation)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
    app.openapi_schema = None


def _failures(plan: RoutePlan, *, secured: bool) -> dict[int | str, dict[str, Any]]:
    texts = dict(_ALWAYS)
    if secured:
        texts |= _SECURED
    if plan.parameters:
        texts |= _WITH_PARAMETERS
    if plan.body is not None or plan.input_items is not None:
        texts |= _WITH_BODY
    if plan.items is not None:
        texts |= _WITH_STREAM
    failures: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": text} for status, text in texts.items()
    }
    for declared in plan.call.errors.values():
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
