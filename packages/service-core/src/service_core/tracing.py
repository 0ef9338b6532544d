"""The trace of a call: W3C trace context, from OpenTelemetry where the program has loaded it, else as it was received.

OpenTelemetry is not imported here. A program that does not use it pays one dict look-up for each call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from service_core.context import CallContext

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"

_API: Final = "opentelemetry.trace"
_CONTEXT: Final = "opentelemetry.context"
"""Loaded with the former."""


def is_loaded() -> bool:
    """Whether something in this process has loaded OpenTelemetry."""
    return _API in sys.modules


def trace_headers(context: CallContext) -> Mapping[str, str]:
    """The headers of an outgoing call: of the current span and baggage, else those of ``context``."""
    headers: dict[str, str] = {}
    if _API in sys.modules:
        _add_current(headers)
    if TRACEPARENT not in headers and context.traceparent is not None:
        headers[TRACEPARENT] = context.traceparent
        if context.tracestate is not None:
            headers[TRACESTATE] = context.tracestate
    if BAGGAGE not in headers and context.baggage is not None:
        headers[BAGGAGE] = context.baggage
    return headers


@contextmanager
def continued(context: CallContext) -> Iterator[None]:
    """Make the caller's span and baggage current inside the block, unless a span of this process is current."""
    api: Any = sys.modules.get(_API)
    if context.traceparent is None or api is None or api.get_current_span().get_span_context().is_valid:
        yield
        return
    current: Any = sys.modules[_CONTEXT]
    carrier = {TRACEPARENT: context.traceparent, TRACESTATE: context.tracestate, BAGGAGE: context.baggage}
    token = current.attach(_propagator().extract({name: value for name, value in carrier.items() if value is not None}))
    try:
        yield
    finally:
        current.detach(token)


def _add_current(headers: MutableMapping[str, str]) -> None:
    """Add the current span and baggage in the W3C formats, if there are any."""
    api: Any = sys.modules[_API]
    contexts: Any = sys.modules[_CONTEXT]
    current = contexts.get_current()
    if not current:  # a program that only has it installed
        return
    span = api.get_current_span(current).get_span_context()
    if span.is_valid:
        # Written here, since the propagator takes several times as long as all other headers of a call.
        headers[TRACEPARENT] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        if span.trace_state:
            headers[TRACESTATE] = span.trace_state.to_header()
    if _baggage().get_all(current):
        _baggage_propagator().inject(headers, current)


# The W3C formats, even if the program has set others for other protocols: the other end reads these.


@cache
def _baggage() -> Any:
    from opentelemetry import baggage

    return baggage


@cache
def _baggage_propagator() -> Any:
    from opentelemetry.baggage.propagation import W3CBaggagePropagator

    return W3CBaggagePropagator()


@cache
def _propagator() -> Any:
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return CompositePropagator([TraceContextTextMapPropagator(), _baggage_propagator()])
