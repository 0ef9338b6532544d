"""The real SDK with exporters in memory, loaded for these tests alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

_SDK = "opentelemetry.sdk"


class Telemetry:
    """What was recorded."""

    def __init__(self) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._reader])

    def spans(self) -> list[Any]:
        """All ended spans, the first that ended first."""
        return list(self._spans.get_finished_spans())

    def metric(self, name: str) -> list[Any]:
        """The points of a metric."""
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Instrumented with providers of the test's own, and as before afterwards."""
    from service_otel import ServiceInstrumentor, instrument

    ServiceInstrumentor().uninstrument()  # a program in another test may have left it on
    made = Telemetry()
    end = instrument(tracer_provider=made.tracer_provider, meter_provider=made.meter_provider)
    yield made
    end()
    made.tracer_provider.shutdown()
    made.meter_provider.shutdown()
    # A server that finds the SDK loaded shows every request to FastAPI; tests of other packages need it otherwise.
    for name in [name for name in sys.modules if name.startswith(_SDK)]:
        del sys.modules[name]
