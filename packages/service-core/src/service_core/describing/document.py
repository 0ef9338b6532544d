"""The document: frozen values that are written as JSON and read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

FORMAT: Final = 1
"""The version of the document; readers ignore members that they do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDescription:
    """A type whose values travel."""

    type: str
    """As Python writes it, for people."""
    schema: dict[str, Any]
    """JSON Schema (draft 2020-12) of one value; of one item if it is a stream."""
    stream: bool = False
    """Whether values come one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDescription:
    """A parameter of a method."""

    name: str
    value: ValueDescription
    required: bool
    default: Any = None
    """The default as JSON; None if there is none, or if it is secret."""
    keyword_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDescription:
    """An error that a method declares."""

    name: str
    code: str
    """The kind of failure, one of the fixed codes."""
    doc: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    """JSON Schema of its fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDescription:
    """The plain HTTP request of a method."""

    verb: str
    path: str
    """The whole path, with the prefix of the service."""
    status: int
    """The HTTP status of a success."""
    places: dict[str, str]
    """Where each parameter travels: path, query, header or body."""
    names: dict[str, str] = field(default_factory=dict)
    """The names of parameters there, where they differ from those of the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDescription:
    """A method of a service."""

    name: str
    doc: str = ""
    is_async: bool = False
    parameters: tuple[ParameterDescription, ...] = ()
    result: ValueDescription
    errors: tuple[ErrorDescription, ...] = ()
    idempotent: bool = False
    anonymous: bool = False
    policy: dict[str, Any] = field(default_factory=dict)
    """The fields that its policy sets."""
    route: RouteDescription | None = None
    digest: str = ""
    """Equal for two versions between which no caller sees a difference; texts and policies are not part of it."""

    @property
    def signature(self) -> str:
        """The method as Python declares it, on one line."""
        parts: list[str] = ["self"]
        star = False
        for parameter in self.parameters:
            if parameter.keyword_only and not star:
                parts.append("*")
                star = True
            default = "" if parameter.required else f" = {parameter.default!r}"
            parts.append(f"{parameter.name}: {parameter.value.type}{default}")
        return f"{'async ' if self.is_async else ''}def {self.name}({', '.join(parts)}) -> {self.result.type}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDescription:
    """A service of a component."""

    name: str
    interface: str
    """The name of the class."""
    description: str = ""
    doc: str = ""
    methods: tuple[MethodDescription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedChannel:
    """A channel of one instance of a component."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentDescription:
    """A component and the services of it that are described."""

    name: str
    description: str = ""
    services: tuple[ServiceDescription, ...] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    """The fields that its policy sets."""
    channels: tuple[OfferedChannel, ...] = ()
    """Where this instance offers it; empty if it is described by its code alone."""
    digest: str = ""
    """One digest of all methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is described."""

    format: int = FORMAT
    components: tuple[ComponentDescription, ...] = ()

    def methods(self) -> Iterator[tuple[ComponentDescription, ServiceDescription, MethodDescription]]:
        """Each method with its service and its component."""
        for component in self.components:
            for service in component.services:
                for method in service.methods:
                    yield component, service, method


@cache
def _adapter() -> TypeAdapter[Description]:
    return TypeAdapter(Description)


def write_description(description: Description, *, indent: int | None = None) -> bytes:
    """The document as JSON."""
    return _adapter().dump_json(description, indent=indent)


def read_description(data: bytes | str) -> Description:
    """The document that :func:`write_description` wrote, members that are not known left out.

    Raises ValueError if it is none, or one of a later format.
    """
    try:
        description = _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"no description of services: {place + ': ' if place else ''}{first['msg']}") from None
    if description.format != FORMAT:
        raise ValueError(f"the description has format {description.format}; this version reads format {FORMAT}")
    return description
