"""The context of a call: its deadline, its correlation id and its trace.

One context variable holds it, so that it follows the call through tasks and, copied, into worker threads.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time, on the monotonic clock of this process, after which callers stop waiting."""

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
        """Whether the deadline has passed."""
        return time.monotonic() >= self.expires_at


@dataclass(frozen=True, kw_only=True)
class CallContext:
    """The values that a call passes to the calls that are made inside it.

    It has no slots, so that one can be made of the few fields that differ from their defaults.
    """

    deadline: Deadline | None = None
    """The deadline of the call, None outside a call."""
    correlation_id: str | None = None
    """The id under which all participants log the call."""
    traceparent: str | None = None
    """The W3C trace context, forwarded as received."""
    tracestate: str | None = None
    """The W3C trace state, forwarded with the trace context."""
    baggage: str | None = None
    """The W3C baggage, forwarded as received."""
    token: str | None = field(default=None, repr=False)
    """The caller's bearer token. Only channels with ``forward_token`` forward it."""
    received_at: float = field(default=0.0, compare=False)
    """When the server received the call, on the monotonic clock; 0.0 outside a server. Not forwarded."""
    principal: Any = field(default=None, repr=False)
    """The principal that the server's verifier has returned for the token, None without a token. Not forwarded."""
    item_timeouts: tuple[float, float] | None = field(default=None, compare=False)
    """Seconds that the caller waits for the first item of a stream and between two, infinite for no limit; None if it
    has not said. Not forwarded."""


_new: Final = object.__new__
_set_fields: Final = CallContext.__dict__["__dict__"].__set__


def received_context(fields: dict[str, Any]) -> CallContext:
    """The context of a call that a server has received: the fields that are given, the defaults for the others.

    One is made for every call, and the constructor of a frozen class takes several times as long.
    """
    context = _new(CallContext)
    _set_fields(context, fields)
    return context


_context: ContextVar[CallContext] = ContextVar("service_call_context", default=CallContext())  # noqa: B039 - frozen


def current_context() -> CallContext:
    """The context of the call that is being executed; an empty one outside a call."""
    return _context.get()


def current_deadline() -> Deadline | None:
    """The deadline of the call that is being executed, None if there is none."""
    return _context.get().deadline


def current_principal() -> Any:
    """The principal of the call that is being executed, as returned by the server's verifier; None if there is none."""
    return _context.get().principal


class call_context:  # noqa: N801 - used like the functions below; a class, since it is entered for every call
    """Make ``context`` the current one inside the block."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, context: CallContext) -> None:
        self._inner = context

    def __enter__(self) -> CallContext:
        self._outer = _context.set(self._inner)
        return self._inner

    def __exit__(self, *exc: object) -> None:
        _context.reset(self._outer)


get_context: Final = _context.get
"""As :func:`current_context`, cheaper."""
enter_context: Final = _context.set
"""Make a context current; returns the argument of :data:`leave_context`. Cheaper than :class:`call_context`."""
leave_context: Final = _context.reset
"""Restore the context that was current before."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[Deadline]:
    """Limit all calls inside the block together to that many seconds; None means no limit.

    A block can only shorten the deadline: an earlier deadline of the current call stays, also with None.
    """
    if seconds is not None and not (isinstance(seconds, int | float) and seconds >= 0):  # NaN is neither
        raise ValueError(f"deadline({seconds!r}): give it seconds, a number from 0 on, or None for no limit")
    outer = current_deadline()
    limit = Deadline.after(seconds)
    if outer is not None and outer.expires_at < limit.expires_at:
        limit = outer
    with call_context(replace(current_context(), deadline=limit)):
        yield limit


@contextmanager
def bearer_token(token: str | None) -> Iterator[None]:
    """Make all calls inside the block with this bearer token; None for no token.

    It is sent by channels with ``forward_token`` alone.
    """
    with call_context(replace(current_context(), token=token)):
        yield


# Of its own, so that programs with the same seed of the global one have different ids. Reseeded in a fork.
_ids: Final = random.Random()  # noqa: S311 - ids are no secrets
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_ids.seed)


def new_correlation_id() -> str:
    """A fresh id of 32 hexadecimal digits; unique, but not hard to guess."""
    return _ids.getrandbits(128).to_bytes(16, "big").hex()
