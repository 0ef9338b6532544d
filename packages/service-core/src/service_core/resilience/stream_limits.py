"""The limits in time of one stream, as its client keeps them."""

from __future__ import annotations

import math

from service_core.call import Call
from service_core.context import Deadline
from service_core.errors import DeadlineExceeded


class StreamLimits:
    """How long the client waits: for the first item, between two, and altogether. Used by one thread or task."""

    __slots__ = ("_has_begun", "_idle_timeout", "_next", "_where", "total")

    def __init__(self, call: Call) -> None:
        """The limits of a call that begins now."""
        self.total: Deadline = call.total_deadline
        """The end of the whole stream."""
        self._next = call.deadline
        self._has_begun = False
        self._idle_timeout = call.policy.idle_timeout
        self._where = call.descriptor.where

    def item_came(self) -> None:
        """Count the time until the next item from now on."""
        self._has_begun = True
        self._next = Deadline.after(self._idle_timeout)

    def input_ended(self, timeout: float | None) -> None:
        """Count ``timeout`` from now on: the last item of the argument has been sent."""
        self._next = Deadline.after(timeout)

    @property
    def deadline(self) -> Deadline:
        """When the client stops waiting for the next item."""
        return self._next if self._next.expires_at < self.total.expires_at else self.total

    @property
    def pause(self) -> float | None:
        """The most seconds between two items, None for no limit."""
        left = min(math.inf if self._idle_timeout is None else self._idle_timeout, self.total.remaining)
        return None if math.isinf(left) else max(left, 0.001)

    def remaining(self) -> float:
        """The seconds until then; infinite without a limit."""
        return self.deadline.remaining

    def not_taken(self) -> DeadlineExceeded:
        """The error of a stream of which the server has taken nothing for too long."""
        if self.total.expired:
            return self.exceeded()
        return DeadlineExceeded(
            f"{self._where}: the server took nothing of the argument for {self._idle_timeout} s, the idle_timeout of "
            f"the policy; if the server may take longer, {_declare('idle_timeout')}",
            may_have_run=True,
        )

    def exceeded(self) -> DeadlineExceeded:
        """The error of a stream whose next item did not come in time."""
        if self.total.expired:
            return DeadlineExceeded(f"{self._where}: the deadline of the stream has passed", may_have_run=True)
        if self._has_begun:
            waited = f"no item came for {self._idle_timeout} s, the idle_timeout of the policy"
            remedy = f"if items may be further apart, {_declare('idle_timeout')}"
        else:
            waited = "the first item did not come within the timeout of the policy"
            remedy = f"if it may come later, {_declare('timeout')}"
        return DeadlineExceeded(f"{self._where}: {waited}; {remedy}", may_have_run=True)


def _declare(limit: str) -> str:
    return f"declare the method with @with_policy(Policy({limit}=...)), None for no limit"
