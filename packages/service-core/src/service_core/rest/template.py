"""Path templates: the places of arguments in a path, their encoding, and their decoding.

A path is compared in its percent-encoded form, segment by segment, so a ``/`` in a value stays inside its segment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from service_core.errors import DeclarationException

# What RFC 3986, section 3.3, allows in a segment, without percent-encoding.
_LITERAL: Final = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@]*")
_SEGMENT: Final = re.compile(r"([^{}]*)(?:\{([^{}]*)\}([^{}]*))?")
_DOTS: Final = (".", "..")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The part between two slashes: text, or a parameter with text around it."""

    before: str
    name: str = ""
    """The parameter, empty if there is none."""
    after: str = ""

    def read(self, text: str) -> str | None:
        """The value in a decoded segment, empty where there is no parameter. None if the segment is another."""
        if not self.name:
            return "" if text == self.before else None
        value = text[len(self.before) : len(text) - len(self.after)]
        return value if value and text == f"{self.before}{value}{self.after}" else None

    def meets(self, other: Segment) -> bool:
        """Whether some text is read by both."""
        if not self.name:
            return other.read(self.before) is not None
        if not other.name:
            return self.read(other.before) is not None
        return _one_begins(self.before, other.before) and _one_begins(self.after[::-1], other.after[::-1])

    @property
    def order(self) -> tuple[bool, int]:
        """Less for what is more exact: text before parameters, parameters with more text around them first."""
        return bool(self.name), -len(self.before) - len(self.after)


def _one_begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


class PathTemplate:
    """A path with parameters, such as ``/library/documents/{name}``. Immutable."""

    __slots__ = ("names", "segments", "text")

    def __init__(self, text: str, where: str) -> None:
        """Read a template. Raises DeclarationException that begins with ``where``."""
        self.text = text
        self.segments = tuple(_read_segment(part, text, where) for part in text.split("/")[1:])
        self.names = tuple(segment.name for segment in self.segments if segment.name)
        """The parameters in their order."""
        if "" in [segment.before + segment.name for segment in self.segments[:-1]]:
            raise DeclarationException(f"{where}: path '{text}' has two slashes in a row; write one")
        for name in self.names:
            if self.names.count(name) > 1:
                raise DeclarationException(f"{where}: path '{text}' names '{name}' twice; a parameter has one place")

    def expand(self, values: Mapping[str, str]) -> str:
        """The percent-encoded path. Raises ValueError, with the reason, if a value cannot be encoded in its segment."""
        path = ""
        for segment in self.segments:
            value = values[segment.name] if segment.name else ""
            if segment.name and not value:
                raise ValueError(f"'{segment.name}' is empty, which a path cannot hold")
            text = f"{segment.before}{value}{segment.after}"
            if text in _DOTS:
                raise ValueError(f"'{segment.name}' is '{text}', which in a path means another place")
            path += f"/{segment.before}{quote(value, safe='')}{segment.after}"
        return path

    def match(self, path: str) -> dict[str, str] | None:
        """The values in a percent-encoded path, None if it is not one of this template."""
        parts = path.split("/")[1:]
        if len(parts) != len(self.segments):
            return None
        values: dict[str, str] = {}
        for segment, part in zip(self.segments, parts, strict=True):
            text = _decoded(part)
            value = segment.read(text) if text is not None else None
            if value is None:
                return None
            if segment.name:
                values[segment.name] = value
        return values

    def meets(self, other: PathTemplate) -> bool:
        """Whether there is a path that both match."""
        return len(self.segments) == len(other.segments) and all(
            one.meets(two) for one, two in zip(self.segments, other.segments, strict=True)
        )

    def is_same(self, other: PathTemplate) -> bool:
        """Whether both match the same paths: they differ in the names of parameters only."""
        return self._shape == other._shape

    @property
    def order(self) -> tuple[tuple[bool, int], ...]:
        """Less for templates that have to be matched first."""
        return tuple(segment.order for segment in self.segments)

    @property
    def _shape(self) -> list[tuple[str, bool, str]]:
        return [(segment.before, bool(segment.name), segment.after) for segment in self.segments]

    def __repr__(self) -> str:
        return f"PathTemplate({self.text!r})"


def _read_segment(part: str, text: str, where: str) -> Segment:
    found = _SEGMENT.fullmatch(part)
    if found is None:
        raise DeclarationException(
            f"{where}: path '{text}': '{part}' is not text around one '{{name}}'; give each parameter a segment"
        )
    before, name, after = found[1], found[2], found[3] or ""
    for literal in (before, after):
        if not _LITERAL.fullmatch(literal):
            raise DeclarationException(
                f"{where}: path '{text}': '{literal}' has characters that a path cannot hold; query parameters are "
                f"parameters of the method, not part of the path"
            )
    if name is None:
        if before in _DOTS:
            raise DeclarationException(f"{where}: path '{text}': '{before}' means another place; write the whole path")
        return Segment(before=before)
    if not name.isidentifier():
        raise DeclarationException(
            f"{where}: path '{text}': '{{{name}}}' is not the name of a parameter; write '{{name}}', the type is that "
            f"of the parameter"
        )
    return Segment(before=before, name=name, after=after)


def _decoded(part: str) -> str | None:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        return None  # not text in UTF-8, so not encoded by a client
