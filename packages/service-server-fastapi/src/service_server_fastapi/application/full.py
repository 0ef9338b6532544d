"""The framework in a FastAPI application: the user's own, or one for the routes of REST and their documentation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Final

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Scope

from service_core.dispatch import Target
from service_server_fastapi.application.fastapi_choice import OBSERVERS
from service_server_fastapi.application.interface import path_is_taken
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.in_flight import InFlight, InFlightMiddleware
from service_server_fastapi.rest.fast_path import FastRoutes
from service_server_fastapi.rest.mount import mount_services
from service_server_fastapi.rest.resources import RouteResources
from service_server_fastapi.rest.route import RestRoute

_PACKAGE: Final = __name__.partition(".")[0]


class FullApplication:
    """Adds endpoints and routes to an application, before any request is served."""

    def __init__(self, app: FastAPI, in_flight: InFlight) -> None:
        app.add_middleware(InFlightMiddleware, in_flight=in_flight)
        self._app = app

    @property
    def app(self) -> ASGIApp:
        """The FastAPI application."""
        return self._app

    @property
    def lifespan(self) -> Router:
        """Where its lifespan is."""
        return self._app.router

    def add(self, path: str, endpoint: ASGIApp) -> None:
        """Send requests for a path to an endpoint. Raises DeclarationException if the path is taken."""
        if any(_takes(route, path) for route in self._app.routes):
            raise path_is_taken(path)
        # Before the user's routes, among which there may be one that takes every path.
        self._app.router.routes.insert(0, Route(path, endpoint, include_in_schema=False))

    def mount(self, targets: Iterable[Target], resources: RouteResources) -> Callable[[Scope], FastPath | None]:
        """Add the routes of services; see :func:`mount_services`."""
        return FastRoutes(self._app, mount_services(self._app, targets, resources)).find

    def obstacles(self) -> list[str]:
        """The reasons why the application has to see calls; empty if a bypass cannot be observed."""
        return obstacles_of(self._app)


def obstacles_of(app: FastAPI) -> list[str]:
    """The reasons why an application has to see calls; empty if the bypass cannot be observed."""
    layers = [f"{one.cls.__module__}.{one.cls.__qualname__}" for one in app.user_middleware]  # type: ignore[attr-defined]
    found = [f"it has the middleware {name}" for name in layers if not name.startswith(f"{_PACKAGE}.")]
    if type(app) is not FastAPI:
        found.append(f"it is a {type(app).__qualname__}, not a FastAPI itself")
    if app.root_path:
        found.append(f"it has the root_path {app.root_path!r}")
    if getattr(app, "max_body_size", None) is not None:
        found.append("it limits bodies by max_body_size")
    methods = (FastAPI.__call__, Starlette.__call__, FastAPI.build_middleware_stack)
    if "build_middleware_stack" in vars(app) or not all(map(_is_original, methods)):
        found.append("methods of FastAPI have been replaced, as tracing tools do")
    found += [f"{name} is imported, which may watch requests" for name in OBSERVERS if name in sys.modules]
    return found


def _is_original(method: object) -> bool:
    """Whether no method of FastAPI is wrapped, as instrumentation tools do."""
    module = str(getattr(method, "__module__", ""))
    return module.startswith(("fastapi.", "starlette.")) and not hasattr(method, "__wrapped__")


def _takes(route: BaseRoute, path: str) -> bool:
    if isinstance(route, RestRoute):
        return route.route_codec.verb == "GET" and route.route_codec.template.match(path) is not None
    return getattr(route, "path", None) == path
