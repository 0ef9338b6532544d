"""OpenTelemetry for calls: spans and metrics at both ends.

:func:`instrument` turns it on for the process, whatever is made before or after it, with or without a container. The
trace context travels without this package, too.
"""

from service_otel.instrumentation import ServiceInstrumentor, instrument

__all__ = ["ServiceInstrumentor", "instrument"]
