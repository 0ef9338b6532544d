"""Interfaces as Python would declare them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from service_core.describing import ComponentDescription, Description, MethodDescription, ServiceDescription

_INDENT = "    "


def description_view(description: Description) -> RenderableType:
    """All components with the code of their services."""
    return Group(*(part for component in description.components for part in _component(component)))


def method_view(service: ServiceDescription, method: MethodDescription) -> RenderableType:
    """One method: its code, what it promises, and the JSON Schema of its values."""
    parts: list[RenderableType] = [_code("\n".join(_method(method))), Text()]
    parts.append(_fact("called as", f"{service.name}.{method.name}"))
    parts += [_fact(name, value) for name, value in _promises(method)]
    for parameter in method.parameters:
        parts += [Text(), Text(f"parameter {parameter.name}", style="bold"), _schema(parameter.value.schema)]
    parts += [Text(), Text("result", style="bold"), _schema(method.result.schema)]
    for error in method.errors:
        parts += [Text(), Text(f"error {error.name} ({error.code})", style="bold"), _schema(error.schema)]
    return Group(*parts)


def _component(component: ComponentDescription) -> Iterator[RenderableType]:
    yield Text.assemble(
        (component.name, "bold"), f"  {component.description}", (f"  version {component.digest[:8]}", "dim")
    )
    for channel in component.channels:
        yield Text(f"  {channel.name}  {channel.url}", style="dim")
    for service in component.services:
        yield Text()
        yield _code("\n".join(_service(service)))
    yield Text()


def _service(service: ServiceDescription) -> Iterator[str]:
    yield f"class {service.interface}(Service):  # {service.name}"
    text = service.doc or service.description
    if text:
        yield from _docstring(text)
    for method in service.methods:
        yield ""
        yield from _indented(_method(method))
    names = dict.fromkeys(_models(service.methods))
    if names:
        yield ""
        yield f"# types: {', '.join(names)}"


def _method(method: MethodDescription) -> Iterator[str]:
    if method.route is not None:
        yield f'@{method.route.verb.lower()}("{method.route.path}")'
    if method.errors:
        yield f"@raises({', '.join(error.name for error in method.errors)})"
    if method.idempotent and (method.route is None or method.route.verb in ("POST", "PATCH")):
        yield "@idempotent"
    if method.anonymous:
        yield "@allow_anonymous"
    if method.policy:
        yield f"@with_policy(Policy({', '.join(f'{name}={value!r}' for name, value in method.policy.items())}))"
    yield f"{method.signature}:"
    yield from _docstring(method.doc) if method.doc else [f"{_INDENT}..."]


def _docstring(text: str) -> Iterator[str]:
    lines = text.splitlines()
    if len(lines) == 1:
        yield f'{_INDENT}"""{text}"""'
        return
    yield from _indented([f'"""{lines[0]}', *lines[1:], '"""'])


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"{_INDENT}{line}" if line else "" for line in lines)


def _models(methods: Iterable[MethodDescription]) -> Iterator[str]:
    for method in methods:
        for value in (*(parameter.value for parameter in method.parameters), method.result):
            yield from value.schema.get("$defs", {})
            if "title" in value.schema:
                yield value.schema["title"]


def _promises(method: MethodDescription) -> Iterator[tuple[str, str]]:
    yield "repeatable", "yes, it is idempotent" if method.idempotent else "no, it is not declared idempotent"
    if method.route is not None:
        places = ", ".join(f"{name} in the {place}" for name, place in method.route.places.items())
        yield (
            "rest",
            f"{method.route.verb} {method.route.path} -> {method.route.status}" + (f" ({places})" if places else ""),
        )
    if method.errors:
        yield "errors", ", ".join(f"{error.name} ({error.code})" for error in method.errors)
    yield "digest", method.digest


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name:<12}", "dim"), value)


def _code(text: str) -> Syntax:
    return Syntax(text, "python", theme="ansi_dark", background_color="default", word_wrap=True)


def _schema(schema: Mapping[str, Any]) -> Syntax:
    return Syntax(json.dumps(schema, indent=2), "json", theme="ansi_dark", background_color="default", word_wrap=True)
