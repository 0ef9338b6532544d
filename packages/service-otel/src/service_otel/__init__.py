"""OpenTelemetry for calls: spans and metrics at both ends.

:func:`instrument` enables it for the process, also for managers and servers that exist already, with or without a
container. The trace context travels without this package, too.
"""

from service_otel.instrumentation import ServiceInstrumentor, instrument

__all__ = ["ServiceInstrumentor", "instrument"]
