"""Headers: what belongs to a call without being an argument."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Final

from service_core.context import CallContext, Deadline

__all__ = ["CONTEXT_HEADERS", "CORRELATION_ID", "DEADLINE_MS", "context_from_headers", "context_to_headers"]

DEADLINE_MS: Final = "x-deadline-ms"
"""Milliseconds that are left for the call when it is sent; clocks of two machines cannot be compared."""
CORRELATION_ID: Final = "x-correlation-id"
_TRACEPARENT: Final = "traceparent"
_BAGGAGE: Final = "baggage"
_AUTHORIZATION: Final = "authorization"
CONTEXT_HEADERS: Final = (DEADLINE_MS, CORRELATION_ID, _TRACEPARENT, _BAGGAGE, _AUTHORIZATION)
"""The names of all headers of which a context is made."""

# Ids are written to logs, so they hold nothing that could forge a line.
_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_BAGGAGE_LIMIT: Final = 8192  # characters, W3C Baggage section 3.3.2
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,8192}=*)", re.IGNORECASE)  # RFC 6750, section 2.1
_LONGEST_MS: Final = 24 * 60 * 60 * 1000


def context_to_headers(context: CallContext) -> dict[str, str]:
    """The headers of a call that is made in ``context``; not its token, which is not for everybody."""
    headers: dict[str, str] = {}
    deadline = context.deadline
    if deadline is not None and deadline.expires_at != math.inf:
        headers[DEADLINE_MS] = str(max(1, int((deadline.expires_at - time.monotonic()) * 1000)))
    if context.correlation_id is not None:
        headers[CORRELATION_ID] = context.correlation_id
    if context.traceparent is not None:
        headers[_TRACEPARENT] = context.traceparent
    if context.baggage is not None:
        headers[_BAGGAGE] = context.baggage
    return headers


def context_from_headers(headers: Mapping[str, str]) -> CallContext:
    """The context that the caller sent, by lower-case header names; what is malformed counts as not sent."""
    deadline = None
    remaining = headers.get(DEADLINE_MS)
    if remaining is not None and remaining.isascii() and remaining.isdigit() and len(remaining) <= 12:
        deadline = Deadline.after(min(int(remaining), _LONGEST_MS) / 1000)
    return CallContext(
        deadline=deadline,
        correlation_id=_id(headers[CORRELATION_ID]) if CORRELATION_ID in headers else None,
        traceparent=_id(headers[_TRACEPARENT]) if _TRACEPARENT in headers else None,
        token=_token(headers[_AUTHORIZATION]) if _AUTHORIZATION in headers else None,
        baggage=_baggage(headers[_BAGGAGE]) if _BAGGAGE in headers else None,
    )


def _baggage(text: str) -> str | None:
    return text if 0 < len(text) <= _BAGGAGE_LIMIT and text.isprintable() else None


def _id(text: str) -> str | None:
    if text.isalnum() and text.isascii() and len(text) <= 128:  # nearly always, and quicker to see
        return text
    return text if _ID.fullmatch(text) else None


def _token(authorization: str) -> str | None:
    bearer = _BEARER.fullmatch(authorization)
    return None if bearer is None else bearer[1]
