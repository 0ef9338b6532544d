"""Whether JSON holds NaN or infinity, which are no JSON, but which pydantic's parser takes."""

from __future__ import annotations

__all__ = ["may_be_infinite"]


def may_be_infinite(data: bytes) -> bool:
    """Whether a text may hold NaN or infinity; also true if it has their names in a string."""
    return b"NaN" in data or b"Infinity" in data
