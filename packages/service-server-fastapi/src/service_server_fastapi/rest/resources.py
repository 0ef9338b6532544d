"""What all routes of a server share."""

from __future__ import annotations

from dataclasses import dataclass

from service_core.dispatch import Executor, ThreadPool
from service_server_fastapi.access.browsers import BrowserRules
from service_server_fastapi.requests.admission import Admission


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteResources:
    """What carries out the calls of routes, and limits them."""

    calls: Executor
    admission: Admission
    browsers: BrowserRules
    readers: ThreadPool
    """Where large bodies are read."""
