"""Policies: the time, the attempts and the ejection rules of calls.

A :class:`Policy` holds the fields that were set; an unset one is :data:`UNSET`, because ``None`` means "no limit".
:meth:`Policy.merge` merges several policies field by field; in an :class:`EffectivePolicy` every field has a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final, Self

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds for a call with all its attempts, where no policy and no deadline says otherwise."""


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The value of a policy field that was not set: the next policy in the order of precedence decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What was set for a method, a component, a channel or a manager.

    Fields count one by one. The order of precedence is: the method's policy, the manager's policy for the component,
    the component's own, the channel's, the manager's for all components, the default. Raises ValueError for a value
    out of range.

    A failure before anything was sent is retried on another instance; a later one only if the method is idempotent.
    Retries are limited by a budget, so that they do not amplify an outage of all instances.
    """

    timeout: float | Unset | None = UNSET
    """Seconds for a call with all its attempts, unless a ``deadline(...)`` block or an outer call gives a deadline;
    None for no limit. Of a stream: until its first item. Default 10."""
    idle_timeout: float | Unset | None = UNSET
    """Seconds between two items of a stream, and for which a server may take nothing of an argument that is one; None
    for no limit. Default 60."""
    total_timeout: float | Unset | None = UNSET
    """Seconds for a whole stream; None, the default, for no limit."""
    max_attempts: int | Unset = UNSET
    """How often one call is sent at most. Default 3."""
    hedge_after: float | Unset | None = UNSET
    """Seconds after which an idempotent call that is not answered is sent to another instance as well, at most
    ``max_attempts`` times together; the first answer counts, and the other attempts are given up. None for never. By
    default twice the time in which 99 % of the method's answers come, at least 0.2; 1 before the first answer. Each
    such attempt is paid from the retry budget."""
    backoff: float | Unset = UNSET
    """Upper bound in seconds of the random pause before instances that failed in this call are called again; doubled
    with every round (full jitter). Default 0.05."""
    max_backoff: float | Unset = UNSET
    """Upper bound in seconds of these pauses. Default 1."""
    retry_ratio: float | Unset = UNSET
    """Retries per call, averaged over ten seconds. Default 0.2, as in Finagle's RetryBudget. Not for a method."""
    retry_reserve: float | Unset = UNSET
    """Retries per second that are allowed without any calls. Default 10. Not for a method."""
    eject_after: int | Unset = UNSET
    """Consecutive failures after which an instance is ejected; 0 for never. Default 5, as in Envoy's outlier detection.
    Not for a method."""
    eject_for: float | Unset = UNSET
    """Seconds of an ejection, times the number of recent ejections. Default 30. Not for a method."""
    max_eject_for: float | Unset = UNSET
    """The longest ejection in seconds, unless ``eject_for`` is longer. Default 300. Not for a method."""
    max_ejected: float | Unset = UNSET
    """The share of instances that may be ejected at once; beyond it all receive calls. Default 0.5. Not for a
    method."""

    def __post_init__(self) -> None:
        for name, value in self.settings().items():
            low, high = _RANGES[name]
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, int | float) or not low <= value <= high:
                none = ", or None for no limit" if name in _OPTIONAL else ""
                limits = f"from {low:g} on" if high == math.inf else f"from {low:g} to {high:g}"
                raise ValueError(f"Policy({name}={value!r}): give it a number {limits}{none}")

    def settings(self) -> dict[str, Any]:
        """The fields that were set, by name."""
        return {name: value for name in _RANGES if (value := getattr(self, name)) is not UNSET}

    @classmethod
    def merge(cls, *policies: Policy | None) -> Self:
        """One policy of several, field by field; an earlier one takes precedence, None sets nothing."""
        merged: dict[str, Any] = {}
        for policy in reversed(policies):
            if policy is not None:
                merged |= policy.settings()
        return cls(**merged)

    def resolve(self) -> EffectivePolicy:
        """This policy with the defaults for the fields that were not set."""
        return EffectivePolicy(**self.settings())

    @classmethod
    def none(cls, *, timeout: float | Unset | None = UNSET) -> Self:
        """One attempt and no ejection, for a network that retries and ejects itself, such as a service mesh."""
        return cls(timeout=timeout, max_attempts=1, retry_reserve=0.0, retry_ratio=0.0, eject_after=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePolicy:
    """A policy in which every field has a value; the fields are those of :class:`Policy`.

    ``hedge_after`` alone may be unset: it is learned then, for each method.
    """

    timeout: float | None = DEFAULT_TIMEOUT
    idle_timeout: float | None = 60.0
    total_timeout: float | None = None
    max_attempts: int = 3
    hedge_after: float | Unset | None = UNSET
    backoff: float = 0.05
    max_backoff: float = 1.0
    retry_ratio: float = 0.2
    retry_reserve: float = 10.0
    eject_after: int = 5
    eject_for: float = 30.0
    max_eject_for: float = 300.0
    max_ejected: float = 0.5


CHANNEL_FIELDS: Final = frozenset(
    {"retry_ratio", "retry_reserve", "eject_after", "eject_for", "max_eject_for", "max_ejected"}
)
"""Fields that describe what all calls of a channel share, so that a method cannot set them."""

_OPTIONAL: Final = frozenset({"timeout", "idle_timeout", "total_timeout", "hedge_after"})
_RANGES: Final = {field.name: (0.0, math.inf) for field in fields(Policy)} | {
    "max_attempts": (1, 100),
    "backoff": (0.0, 60.0),
    "max_backoff": (0.0, 60.0),
    "retry_ratio": (0.0, 1.0),
    "retry_reserve": (0.0, 1e6),
    "eject_after": (0, 1000),
    "eject_for": (0.0, 3600.0),
    "max_eject_for": (0.0, 86400.0),
    "max_ejected": (0.0, 1.0),
}
