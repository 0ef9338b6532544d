"""The parts of a core schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from service_core.wire.types.forms import Definitions

__all__ = ["OPAQUE", "definitions_in", "parts_of"]

OPAQUE: Final = frozenset({"cls", "metadata", "function", "default", "expected", "members", "config", "post_init"})
"""Members of a schema that hold classes, functions and values."""


def parts_of(schema: Any, skipped: frozenset[str] = OPAQUE) -> Iterator[dict[str, Any]]:
    """All parts of a core schema that say how values are, outermost first."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("type"), str):
                yield part
            waiting += [inner for key, inner in part.items() if key not in skipped and not isinstance(inner, str)]
        elif isinstance(part, list | tuple):
            waiting += part


def definitions_in(schema: Any) -> Definitions:
    """The parts of a schema that others refer to."""
    return {part["ref"]: part for part in parts_of(schema) if "ref" in part}
