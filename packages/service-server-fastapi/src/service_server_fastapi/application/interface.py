"""What a server needs of its application, with FastAPI or without."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from starlette.types import ASGIApp, Scope

from service_core import DeclarationException
from service_core.dispatch import Target
from service_server_fastapi.lifecycle.lifespan import HasLifespan
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.rest.resources import RouteResources


class Application(Protocol):
    """An ASGI application with the endpoints of the framework."""

    @property
    def app(self) -> ASGIApp:
        """The application as an ASGI server sees it."""
        ...

    @property
    def lifespan(self) -> HasLifespan:
        """Where its lifespan is."""
        ...

    def add(self, path: str, endpoint: ASGIApp) -> None:
        """Send requests for a path to an endpoint. Raises DeclarationException if the path is taken."""
        ...

    def mount(self, targets: Iterable[Target], resources: RouteResources) -> Callable[[Scope], FastPath | None]:
        """Add the routes of services; returns what finds the fast path to the route of a request.

        Raises DeclarationException if a route contradicts its method, or would take a request that is another's.
        """
        ...

    def obstacles(self) -> list[str]:
        """The reasons why the application has to see calls; empty if a bypass cannot be observed."""
        ...


def path_is_taken(path: str) -> DeclarationException:
    """The error for a path that two want."""
    return DeclarationException(
        f"the path '{path}' is used by another route of the application; give that one, or @health(...), another path"
    )
