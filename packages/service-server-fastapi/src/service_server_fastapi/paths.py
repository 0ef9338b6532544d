"""The paths of the framework's endpoints."""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

INVOKE: Final = "/invoke"
"""Calls."""
LIVE: Final = "/health/live"
"""Is the process stuck, so that it should be restarted?"""
READY: Final = "/health/ready"
"""Can the process serve calls?"""
REPORT: Final = "/report"
"""What the process hosts and calls."""
DESCRIBE: Final = "/describe"
"""The hosted interfaces, as a document."""


def is_dispatch(scope: Scope) -> bool:
    """Whether a request is for the path of calls, below the root path of the application."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) == INVOKE
