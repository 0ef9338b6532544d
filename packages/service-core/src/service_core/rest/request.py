"""A call as a plain HTTP request, and its parts while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service_core.rest.markers import Location
from service_core.rest.parameters import RestParameter


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    """A call, written; only the server's address is missing."""

    verb: str
    target: str
    """Path and query, percent-encoded."""
    path: str
    """The path alone."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes | None = None
    """JSON, None for no body."""
    arguments: str = ""
    """What the header lists."""


class RequestParts:
    """The parts of a request, while it is written."""

    __slots__ = ("body", "entries", "headers", "path", "query")

    def __init__(self) -> None:
        self.path: dict[str, str] = {}
        self.query: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.entries: list[str] = []

    def add(self, parameter: RestParameter, value: Any) -> bool:
        """Write an argument; false if it travels by being left out. Raises ArgumentException."""
        if parameter.location is Location.BODY:
            self.body = parameter.write_body(value)
            return self.body is not None
        texts = parameter.write(value)
        if parameter.location is Location.PATH:
            self.path[parameter.name] = "".join(texts)
        elif parameter.location is Location.QUERY:
            self.query += [(parameter.name, text) for text in texts]
        elif texts:
            self.headers[parameter.name] = texts[0]
        return bool(texts)
