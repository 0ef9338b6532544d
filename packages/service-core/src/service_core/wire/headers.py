"""Headers: what belongs to a call without being an argument."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Final

from service_core.context import CallContext, Deadline, new_correlation_id, received_context
from service_core.tracing import BAGGAGE, TRACEPARENT, TRACESTATE, is_loaded, trace_headers

DEADLINE_MS: Final = "x-deadline-ms"
"""Milliseconds that are left for the call when it is sent; clocks of two machines cannot be compared."""
ITEM_TIMEOUTS_MS: Final = "x-item-timeouts-ms"
"""Milliseconds that the caller waits for the first item of a stream, a comma, and those between two; 0 for no limit."""
CORRELATION_ID: Final = "x-correlation-id"
_AUTHORIZATION: Final = "authorization"
CONTEXT_HEADERS: Final = (
    DEADLINE_MS,
    CORRELATION_ID,
    TRACEPARENT,
    TRACESTATE,
    BAGGAGE,
    _AUTHORIZATION,
    ITEM_TIMEOUTS_MS,
)
"""The names of all headers of which a context is made."""

# Ids are written to logs, so they hold nothing that could forge a line.
_ID_FORM: Final = "[A-Za-z0-9._:/+=-]{1,128}"
_ID: Final = re.compile(_ID_FORM)
USUAL_FORMS: Final = {DEADLINE_MS: "[0-9]{1,12}", CORRELATION_ID: _ID_FORM}
"""What the values of the headers match that nearly every call has, and no more than these."""
_BAGGAGE_LIMIT: Final = 8192  # characters, W3C Baggage section 3.3.2
_TRACESTATE_LIMIT: Final = 8192  # characters; senders keep to 512, W3C Trace Context section 3.3.1.5
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,8192}=*)", re.IGNORECASE)  # RFC 6750, section 2.1
_ITEM_TIMEOUTS: Final = re.compile(r"([0-9]{1,12}),([0-9]{1,12})")
_LONGEST_MS: Final = 24 * 60 * 60 * 1000


def call_headers(context: CallContext, correlation_id: str) -> dict[str, str]:
    """The headers that all attempts of a call made in ``context`` share.

    The bearer token is not among them: channels send it only where they may.
    """
    headers = {CORRELATION_ID: correlation_id}
    if is_loaded() or context.traceparent is not None or context.baggage is not None:
        headers.update(trace_headers(context))
    return headers


def with_deadline(headers: Mapping[str, str], deadline: Deadline) -> dict[str, str]:
    """The headers of an attempt that is sent now, of a call with that deadline."""
    left = milliseconds_left(deadline)
    return {DEADLINE_MS: str(left), **headers} if left else dict(headers)


def milliseconds_left(deadline: Deadline) -> int:
    """What the header says of a deadline if it is sent now: at least 1; 0 for no limit, of which nothing is said."""
    if deadline.expires_at == math.inf:
        return 0
    left = int((deadline.expires_at - time.monotonic()) * 1000.0)
    return left if left > 0 else 1


def context_from_headers(headers: Mapping[str, str]) -> CallContext:
    """The context that the caller sent, by lower-case header names; what is malformed counts as not sent.

    There is always a correlation id, the caller's or a new one.
    """
    return context_of(*map(headers.get, CONTEXT_HEADERS))


def item_timeouts_ms(first: float | None, idle: float | None) -> str:
    """What the header says of two limits in seconds, None for no limit; the first 0 if an argument is a stream."""
    return f"{_milliseconds(first)},{_milliseconds(idle)}"


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None or seconds == math.inf else max(1, int(seconds * 1000))


def _item_timeouts(text: str) -> tuple[float, float] | None:
    found = _ITEM_TIMEOUTS.fullmatch(text)
    if found is None:
        return None
    first, idle = (min(int(one), _LONGEST_MS) / 1000 or math.inf for one in found.groups())
    return first, idle


def context_of(
    milliseconds: str | None,
    correlation_id: str | None,
    traceparent: str | None,
    tracestate: str | None,
    baggage: str | None,
    authorization: str | None,
    item_timeouts: str | None = None,
) -> CallContext:
    """As :func:`context_from_headers`, by the values of :data:`CONTEXT_HEADERS`, each None if it is not there."""
    now = time.monotonic()
    return received_context(
        {
            "received_at": now,
            "deadline": None if milliseconds is None else _deadline(milliseconds, now),
            "correlation_id": (correlation_id and _id(correlation_id)) or new_correlation_id(),
            "traceparent": None if traceparent is None else _id(traceparent),
            "tracestate": None if tracestate is None or traceparent is None else _text(tracestate, _TRACESTATE_LIMIT),
            "baggage": None if baggage is None else _text(baggage, _BAGGAGE_LIMIT),
            "token": None if authorization is None else _token(authorization),
            "item_timeouts": None if item_timeouts is None else _item_timeouts(item_timeouts),
        }
    )


def usual_context(milliseconds: bytes, correlation_id: bytes) -> CallContext:
    """As :func:`context_of`, of a call with these two headers alone, which match :data:`USUAL_FORMS`."""
    now = time.monotonic()
    deadline = Deadline(now + min(int(milliseconds), _LONGEST_MS) / 1000)
    return received_context({"received_at": now, "deadline": deadline, "correlation_id": correlation_id.decode()})


def _deadline(milliseconds: str, now: float) -> Deadline | None:
    if len(milliseconds) > 12 or not milliseconds.isdigit() or not milliseconds.isascii():
        return None
    return Deadline(now + min(int(milliseconds), _LONGEST_MS) / 1000)


def _text(text: str, limit: int) -> str | None:
    return text if 0 < len(text) <= limit and text.isprintable() else None


def _id(text: str) -> str | None:
    if text.isalnum() and text.isascii() and len(text) <= 128:  # nearly always, and quicker to see
        return text
    return text if _ID.fullmatch(text) else None


def _token(authorization: str) -> str | None:
    bearer = _BEARER.fullmatch(authorization)
    return None if bearer is None else bearer[1]
