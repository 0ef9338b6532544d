"""Whether JSON holds NaN or infinity, which are no JSON, but which pydantic's parser takes."""

from __future__ import annotations

from typing import Final

__all__ = ["may_be_infinite"]

_NAMES: Final = (b"NaN", b"Infinity")


def may_be_infinite(data: bytes) -> bool:
    """Whether a text may hold NaN or infinity; also true if it has their names in a string."""
    return any(name in data for name in _NAMES)
