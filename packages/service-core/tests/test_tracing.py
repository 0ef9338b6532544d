"""The trace of a call, with OpenTelemetry loaded and without."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from service_core import CallContext
from service_core.tracing import continued, trace_headers

TRACE, SPAN = 0xABC, 0xDEF
TRACEPARENT = f"00-{TRACE:032x}-{SPAN:016x}-01"
RECEIVED = CallContext(traceparent=f"00-{1:032x}-{2:016x}-01", tracestate="vendor=1", baggage="tenant=acme")


def current_span(state: str = "") -> context.Context:
    span = SpanContext(TRACE, SPAN, False, TraceFlags(1), TraceState.from_header([state]))
    return set_span_in_context(NonRecordingSpan(span))


def headers_in(current: context.Context, received: CallContext) -> dict[str, str]:
    token = context.attach(current)
    try:
        return dict(trace_headers(received))
    finally:
        context.detach(token)


def test_the_current_span_goes_along() -> None:
    assert headers_in(current_span("a=b"), CallContext()) == {"traceparent": TRACEPARENT, "tracestate": "a=b"}


def test_it_comes_before_the_received_trace_whose_state_is_not_mixed_with_it() -> None:
    assert headers_in(current_span(), RECEIVED) == {"traceparent": TRACEPARENT, "baggage": "tenant=acme"}


def test_current_baggage_goes_along() -> None:
    current = baggage.set_baggage("tenant", "other", current_span())

    assert headers_in(current, RECEIVED)["baggage"] == "tenant=other"


def test_without_a_span_the_received_trace_is_handed_on() -> None:
    assert headers_in(context.Context(), RECEIVED) == {
        "traceparent": RECEIVED.traceparent,
        "tracestate": "vendor=1",
        "baggage": "tenant=acme",
    }


def test_what_is_written_is_what_the_propagator_writes() -> None:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, current_span("a=b,c=d"))

    assert headers_in(current_span("a=b,c=d"), CallContext()) == carrier


def test_the_callers_span_and_baggage_are_current_inside_the_block() -> None:
    with continued(RECEIVED):
        span = trace.get_current_span().get_span_context()
        assert (span.trace_id, span.span_id, span.is_remote) == (1, 2, True)
        assert span.trace_state.to_header() == "vendor=1"
        assert baggage.get_baggage("tenant") == "acme"
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_span_of_this_process_stays_current() -> None:
    token = context.attach(current_span())
    try:
        with continued(RECEIVED):
            assert trace.get_current_span().get_span_context().trace_id == TRACE
    finally:
        context.detach(token)


@pytest.mark.parametrize("traceparent", ["garbage", f"00-{0:032x}-{0:016x}-01"])
def test_a_malformed_trace_is_no_parent(traceparent: str) -> None:
    with continued(CallContext(traceparent=traceparent)):
        assert not trace.get_current_span().get_span_context().is_valid


def test_core_does_not_load_opentelemetry() -> None:
    program = (
        "import sys; from service_core import CallContext; from service_core.tracing import trace_headers\n"
        "assert trace_headers(CallContext(traceparent='00-a')) == {'traceparent': '00-a'}\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
