"""Serving streams: how long no item may come."""

from __future__ import annotations

import math
import time
from typing import Final

from service_core.context import CallContext
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import Policy

_GRACE: Final = 1.0
"""Seconds that are added to the limits of the caller, who keeps them itself as long as it is there."""


class ItemLimits:
    """The limits of one stream that begins now, with those of its caller; of one who has sent none, the interface's.

    They end streams whose callers are gone unnoticed, or keep no limits.
    """

    __slots__ = ("_ends_at", "_has_begun", "_idle", "_total")

    def __init__(self, method: MethodDescriptor, context: CallContext) -> None:
        first, idle = context.item_timeouts or _declared(method)
        if method.input_stream is not None:  # the caller counts from the last item that it has sent
            first = math.inf
        self._idle = idle + _GRACE
        self._ends_at = time.monotonic() + first + _GRACE
        self._total = math.inf if context.deadline is None else context.deadline.expires_at
        self._has_begun = False

    def item_taken(self) -> None:
        """Count the time until the next item from now on."""
        self._has_begun = True
        self._ends_at = time.monotonic() + self._idle

    @property
    def remaining(self) -> float:
        """Seconds until the stream ends unless an item comes; negative if it should have ended."""
        return min(self._ends_at, self._total) - time.monotonic()

    @property
    def remaining_in_total(self) -> float | None:
        """Seconds until the end of the whole stream, None without a limit."""
        return None if math.isinf(self._total) else self._total - time.monotonic()

    @property
    def reason(self) -> str:
        """The message of a stream that has come to its limit."""
        if self._total <= self._ends_at:
            return "the deadline of the call has passed"
        if not self._has_begun:
            return "no item came within the timeout of the call's policy"
        return f"no item came for {self._idle - _GRACE:g} s, the idle_timeout of the call's policy"


def _declared(method: MethodDescriptor) -> tuple[float, float]:
    policy = Policy.merge(method.policy).resolve()
    first, idle = policy.timeout, policy.idle_timeout
    return math.inf if first is None else first, math.inf if idle is None else idle
