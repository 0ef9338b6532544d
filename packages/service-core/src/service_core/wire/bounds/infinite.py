"""Whether JSON holds NaN or infinity, which are no JSON, but which pydantic's parser takes."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (b"NaN", b"Infinity")
_WINDOW: Final = 256 * 1024
"""Bytes that are looked at in one step, since other threads wait meanwhile."""


def may_be_infinite(data: bytes) -> bool:
    """Whether a text may hold NaN or infinity; also true if it has their names in a string."""
    if len(data) <= _WINDOW:
        return b"NaN" in data or b"Infinity" in data
    return any(
        data.find(name, at, at + _WINDOW + len(name)) >= 0 for at in range(0, len(data), _WINDOW) for name in _NAMES
    )
