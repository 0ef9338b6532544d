"""Turning it on and off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from importlib.metadata import version
from typing import Any, Final

from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import SpanKind, TracerProvider, get_tracer

from service_core.observing import observe_attempts, observe_client, observe_server
from service_otel.calls import CallTelemetry, note_attempt

_NAME: Final = "service_otel"


class _Instrumentation:
    """What is on in this process; it is on once, however often it is turned on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []

    def begin(self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
        with self._lock:
            if self._ends:
                return
            tracer = get_tracer(_NAME, version("service-otel"), tracer_provider)
            meter = get_meter(_NAME, version("service-otel"), meter_provider)
            self._ends = [
                observe_client(CallTelemetry(tracer, meter, SpanKind.CLIENT)),
                observe_server(CallTelemetry(tracer, meter, SpanKind.SERVER)),
                observe_attempts(note_attempt),
            ]

    def end(self) -> None:
        with self._lock:
            for end in self._ends:
                end()
            self._ends = []


_of_process: Final = _Instrumentation()


def instrument(
    *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> Callable[[], None]:
    """Record spans and metrics of all calls that this process makes and serves, from now on; returns what ends it.

    Without providers those that are set for the process are used. If it is on already, nothing changes. Calls of an
    implementation in the same process are plain method calls, and are not recorded.
    """
    _of_process.begin(tracer_provider, meter_provider)
    return _of_process.end


class ServiceInstrumentor:
    """The same for ``opentelemetry-instrument``, which finds it by its entry point."""

    def instrument(self, **options: Any) -> None:
        """Turn it on; ``tracer_provider`` and ``meter_provider`` are used, other options are not for it."""
        instrument(tracer_provider=options.get("tracer_provider"), meter_provider=options.get("meter_provider"))

    def uninstrument(self, **_: Any) -> None:
        """Turn it off."""
        _of_process.end()

    def instrumentation_dependencies(self) -> Collection[str]:
        """What has to be installed for it to be of use."""
        return ("service-core >= 0.1, < 0.2",)
