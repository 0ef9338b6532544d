"""What travels with a call without being an argument: its deadline, its correlation id and its trace.

One context variable holds it, so that it follows the call through tasks and, copied, into worker threads.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

__all__ = [
    "DEFAULT_TIMEOUT",
    "CallContext",
    "Deadline",
    "call_context",
    "current_context",
    "current_deadline",
    "deadline",
]

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds that a call may take, all attempts together, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time, on the monotonic clock of this process, after which nobody waits any more."""

    expires_at: float
    """``time.monotonic()`` at that point; infinite for no limit."""

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """The deadline that many seconds from now; None for no limit."""
        return cls(math.inf if seconds is None else time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.expires_at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What a call hands on to the calls that are made inside it."""

    deadline: Deadline | None = None
    """The end of the call's time, None outside a call."""
    correlation_id: str | None = None
    """The id under which all participants log the call."""
    traceparent: str | None = None
    """The W3C trace context, handed on as received."""
    baggage: str | None = None
    """The W3C baggage, handed on as received."""


_context: ContextVar[CallContext] = ContextVar("service_call_context", default=CallContext())  # noqa: B039 - frozen


def current_context() -> CallContext:
    """The context of the call that is being executed here; an empty one outside a call."""
    return _context.get()


def current_deadline() -> Deadline | None:
    """The deadline of the call that is being executed here, None if there is none."""
    return _context.get().deadline


@contextmanager
def call_context(context: CallContext) -> Iterator[CallContext]:
    """Make ``context`` the current one inside the block."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


@contextmanager
def deadline(seconds: float | None) -> Iterator[Deadline]:
    """Give all calls inside the block together that many seconds; None takes the limit away.

    A block can only shorten the time: inside a call that has less left, what is left counts, and None keeps it.
    """
    if seconds is not None and not seconds >= 0:  # NaN is neither
        raise ValueError(f"deadline({seconds}): a time to live is not negative; use None for no limit")
    outer = current_deadline()
    limit = Deadline.after(seconds)
    if outer is not None and outer.expires_at < limit.expires_at:
        limit = outer
    with call_context(replace(current_context(), deadline=limit)):
        yield limit


def new_correlation_id() -> str:
    """A fresh id of 32 hexadecimal digits."""
    return os.urandom(16).hex()
