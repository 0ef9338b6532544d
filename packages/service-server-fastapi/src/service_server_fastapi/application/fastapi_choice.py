"""Which application a server needs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from service_core.dispatch import Target
from service_core.rest import route_of

OBSERVERS: Final = ("opentelemetry.sdk", "ddtrace", "sentry_sdk", "newrelic")
"""Instrumentation tools: if one is loaded, FastAPI has to process every request."""


def needs_fastapi(targets: Iterable[Target]) -> bool:
    """Whether a server without an application of the user's needs FastAPI: for routes, or for what watches requests."""
    has_routes = any(route_of(target.method_codec.method.function) is not None for target in targets)
    return has_routes or any(name in sys.modules for name in OBSERVERS)
