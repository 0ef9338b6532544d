"""The arguments of a call in the order of the parameters: which are given, and which are left to the implementation.

A default belongs to the implementation, so what a caller does not give does not travel. Where a later argument is given
and an earlier one is not, :data:`NOT_GIVEN` stands in its place; at the end arguments are simply missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

__all__ = ["NOT_GIVEN", "NO_DEFAULT", "Arguments", "NotGiven", "by_position", "in_order", "without_end"]


NO_DEFAULT: Final = inspect.Parameter.empty
"""Stands for the default of a parameter that must be given."""


class NotGiven(Enum):
    """The type of :data:`NOT_GIVEN`."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""Stands for an argument that the caller does not give."""

Arguments: TypeAlias = tuple[Any, ...]
"""The arguments of a call in the order of the parameters, with gaps, and fewer than parameters if the last are not
given."""


def in_order(names: Sequence[str], given: Mapping[str, Any]) -> Arguments:
    """The arguments by the order of ``names``."""
    return without_end(tuple(given.get(name, NOT_GIVEN) for name in names))


def without_end(arguments: Arguments) -> Arguments:
    """The arguments without gaps at the end."""
    count = len(arguments)
    while count and arguments[count - 1] is NOT_GIVEN:
        count -= 1
    return arguments[:count]


def by_position(signature: inspect.Signature) -> range:
    """How many arguments a call without keywords may have; an empty range if some can only be passed by name."""
    parameters = list(signature.parameters.values())
    if any(one.kind is one.KEYWORD_ONLY and one.default is one.empty for one in parameters):
        return range(0)
    positional = [one for one in parameters if one.kind is not one.KEYWORD_ONLY]
    required = sum(one.default is one.empty for one in positional)
    return range(required, len(positional) + 1)
