"""Callers that share a limited number of places."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from service_core.context import CallContext

_WANTING: Final = 1.0
"""Seconds for which a caller that was refused counts among those that share."""
_MANY: Final = 10_000
"""Callers that are remembered as refused; beyond it all are forgotten."""


class Shares:
    """Which callers have places, and which were refused one just now. The user provides the time and a lock."""

    __slots__ = ("_refused_until", "_taken")

    def __init__(self) -> None:
        self._taken: dict[Hashable, int] = {}
        self._refused_until: dict[Hashable, float] = {}

    def take(self, caller: Hashable) -> None:
        """The caller has one place more."""
        self._taken[caller] = self._taken.get(caller, 0) + 1

    def give_back(self, caller: Hashable) -> None:
        """The caller has one place less."""
        count = self._taken[caller] - 1
        if count:
            self._taken[caller] = count
        else:
            del self._taken[caller]

    def refuse(self, caller: Hashable, now: float) -> None:
        """Remember that the caller wants a place."""
        if len(self._refused_until) >= _MANY:
            self._refused_until.clear()
        self._refused_until[caller] = now + _WANTING

    def exceeds(self, caller: Hashable, places: int, now: float) -> bool:
        """Whether one place more is more than the caller's share of them, while another caller was refused one."""
        if not self._refused_until:
            return False
        wanting = {one for one, until in self._refused_until.items() if until > now}
        if not wanting:
            self._refused_until.clear()
        if wanting <= {caller}:
            return False
        callers = len(wanting | self._taken.keys() | {caller})
        return bool(self._taken.get(caller, 0) + 1 > max(1, places // callers))

    def is_below(self, caller: Hashable, places: float) -> bool:
        """Whether the caller has less than its share, and others have places."""
        callers = len(self._taken.keys() | {caller})
        return callers > 1 and self._taken.get(caller, 0) + 1 <= places / callers


def caller_of(context: CallContext) -> Hashable:
    """Who calls: the principal, or its token if a principal cannot be a key; None for callers without a token."""
    try:
        hash(context.principal)
    except TypeError:
        return context.token
    principal: Hashable = context.principal
    return principal
