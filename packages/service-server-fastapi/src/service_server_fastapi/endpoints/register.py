"""The framework's routes in the user's application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

from service_core import DeclarationException, Health
from service_health.endpoint import HealthEndpoint
from service_server_fastapi.rest.route import RestRoute

__all__ = ["Routes"]


class Routes:
    """Adds the routes, before any request is served."""

    def __init__(self, app: FastAPI, *, details: bool) -> None:
        """``details`` includes the details of checks in the health."""
        self._app = app
        self._details = details

    def add(self, path: str, endpoint: Any) -> None:
        """Send requests for a path to an ASGI application. Raises DeclarationException if it is taken."""
        if any(_takes(route, path) for route in self._app.routes):
            raise DeclarationException(
                f"the path '{path}' is used by another route of the application; give that one, or @health(...), "
                f"another path"
            )
        # Before the user's routes, among which there may be one that takes every path.
        self._app.router.routes.insert(0, Route(path, endpoint, include_in_schema=False))

    def add_health(self, path: str, check: Callable[[], Awaitable[Health]], status_of: Callable[[Health], int]) -> None:
        """Answer a path with the health as JSON and that status. Raises DeclarationException if the path is in use."""
        self.add(path, HealthEndpoint(check, details=self._details, status_of=status_of))


def _takes(route: BaseRoute, path: str) -> bool:
    if isinstance(route, RestRoute):
        return route.plan.verb == "GET" and route.plan.template.match(path) is not None
    return getattr(route, "path", None) == path
