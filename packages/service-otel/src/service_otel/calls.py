"""The observers: a span, a duration and a number in flight for each call, at one of both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from service_core import CallEvent, CallEventKind
from service_core.addresses import unix_path
from service_core.observing import BegunCall, EndedCall
from service_otel.conventions import (
    ATTEMPT,
    CHANNEL,
    CLIENT_DURATION,
    CLIENT_IN_FLIGHT,
    CORRELATION_ATTRIBUTE,
    DURATION_BOUNDARIES,
    ERROR_TYPE,
    SERVER_ADDRESS,
    SERVER_DURATION,
    SERVER_ERRORS,
    SERVER_IN_FLIGHT,
    SERVER_PORT,
    call_attributes,
    outcome_attributes,
)


class CallTelemetry:
    """An observer of :mod:`service_core.observing` for one end. Safe to use from several threads."""

    def __init__(self, tracer: Tracer, meter: Meter, kind: SpanKind) -> None:
        """``kind`` is CLIENT or SERVER."""
        is_client = kind is SpanKind.CLIENT
        self._tracer = tracer
        self._kind = kind
        self._duration = meter.create_histogram(
            CLIENT_DURATION if is_client else SERVER_DURATION,
            unit="s",
            description="Duration of calls, retries included." if is_client else "Duration of calls that are served.",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDARIES,
        )
        self._in_flight = meter.create_up_down_counter(
            CLIENT_IN_FLIGHT if is_client else SERVER_IN_FLIGHT, unit="{call}", description="Calls in progress."
        )

    def __call__(self, call: BegunCall) -> Callable[[EndedCall], None]:
        """A call begins: its span is current until the returned function is called."""
        attributes = call_attributes(call.service, call.method)
        span = self._tracer.start_span(f"{call.service}/{call.method}", kind=self._kind, attributes=attributes)
        if call.correlation_id is not None:
            span.set_attribute(CORRELATION_ATTRIBUTE, call.correlation_id)
        self._in_flight.add(1, attributes)
        token = context.attach(set_span_in_context(span))

        def end(outcome: EndedCall) -> None:
            found = outcome_attributes(outcome.code, outcome.error)
            self._in_flight.add(-1, attributes)
            # Inside the span, so that a histogram can point to it (exemplars).
            self._duration.record(outcome.duration, {**attributes, **found})
            span.set_attributes(found)
            if outcome.code is not None and (self._kind is SpanKind.CLIENT or outcome.code in SERVER_ERRORS):
                span.set_status(Status(StatusCode.ERROR, outcome.error))
            context.detach(token)
            span.end()

        return end


_EVENTS: Final = {
    CallEventKind.FAILED: "attempt failed",
    CallEventKind.RETRIED: "retry",
    CallEventKind.EJECTED: "instance ejected",
    CallEventKind.BUDGET_EXHAUSTED: "retry budget exhausted",
    CallEventKind.ABANDONED: "attempt abandoned",
}


def note_attempt(event: CallEvent) -> None:
    """Add what happens to the attempts of a call to its span: which instance answered, failures, retries, ejections."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    place = _place(event.url)
    name = _EVENTS.get(event.kind)
    if name is None:
        span.set_attributes({**place, CHANNEL: event.channel, ATTEMPT: event.attempt})
        return
    attributes: dict[str, Any] = {**place, CHANNEL: event.channel, ATTEMPT: event.attempt}
    if event.error is not None:
        attributes[ERROR_TYPE] = type(event.error).__name__
    span.add_event(name, attributes)


def _place(url: str) -> dict[str, str | int]:
    """Host and port of an instance, or the path of its Unix socket; other parts of the URL may be secret."""
    try:
        uds = unix_path(url)
        if uds is not None:
            return {SERVER_ADDRESS: uds}
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    place: dict[str, str | int] = {} if host is None else {SERVER_ADDRESS: host}
    return place if port is None else {**place, SERVER_PORT: port}
