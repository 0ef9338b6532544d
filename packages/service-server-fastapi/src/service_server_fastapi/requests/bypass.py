"""In front of FastAPI: calls are taken past its layers, unless something has been put there that should see them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from service_server_fastapi.requests.fast_path import Direct
from service_server_fastapi.requests.in_flight import Traffic

__all__ = ["Front"]

logger: Final = logging.getLogger("service.server")

_OBSERVERS: Final = ("opentelemetry.sdk", "ddtrace", "sentry_sdk", "newrelic")
"""Instrumentation tools: if one is loaded, FastAPI has to process every request."""


_OURS: Final = __name__.partition(".")[0]


class Front:
    """The application that a listener serves.

    FastAPI's layers (telemetry, error pages, limits, exit stacks, routing) take longer than a whole call, and a call
    needs none of them: its endpoint has limits and answers errors of its own.
    """

    def __init__(self, app: FastAPI, traffic: Traffic, find: Callable[[Scope], Direct | None]) -> None:
        """``find`` gives what answers a request, which ``app`` would send there too; None for all others."""
        self.app = app
        self.traffic = traffic
        self._find = find
        self._obstacles: list[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or another event of the ASGI server."""
        direct = self.direct(scope) if scope["type"] == "http" else None
        if direct is None:
            await self.app(scope, receive, send)
        else:
            await self.traffic.watch(direct, scope, receive, send)

    def direct(self, scope: Scope) -> Direct | None:
        """The endpoint of an HTTP request if the bypass cannot be observed, None if the application has to see it.

        The same for all requests of one beginning: verb, path and host.
        """
        if self._obstacles is None:
            # From the first request on FastAPI takes no more middleware.
            self._obstacles = _obstacles(self.app)
            if self._obstacles:
                logger.warning("calls go through all layers of the application, since %s", "; ".join(self._obstacles))
        if self._obstacles or scope.get("root_path") or not self.traffic.hosts.allow(scope):
            return None
        direct = self._find(scope)
        if direct is not None:
            scope["app"] = self.app
        return direct


def _obstacles(app: FastAPI) -> list[str]:
    """The reasons why an application has to see calls; empty if the bypass cannot be observed."""
    layers = [f"{one.cls.__module__}.{one.cls.__qualname__}" for one in app.user_middleware]  # type: ignore[attr-defined]
    found = [f"it has the middleware {name}" for name in layers if not name.startswith(f"{_OURS}.")]
    if type(app) is not FastAPI:
        found.append(f"it is a {type(app).__qualname__}, not a FastAPI itself")
    if app.root_path:
        found.append(f"it has the root_path {app.root_path!r}")
    if getattr(app, "max_body_size", None) is not None:
        found.append("it limits bodies by max_body_size")
    methods = (FastAPI.__call__, Starlette.__call__, FastAPI.build_middleware_stack)
    if "build_middleware_stack" in vars(app) or not all(map(_is_original, methods)):
        found.append("methods of FastAPI have been replaced, as tracing tools do")
    found += [f"{name} is imported, which may watch requests" for name in _OBSERVERS if name in sys.modules]
    return found


def _is_original(method: object) -> bool:
    """Whether no method of FastAPI is wrapped, as instrumentation tools do."""
    module = str(getattr(method, "__module__", ""))
    return module.startswith(("fastapi.", "starlette.")) and not hasattr(method, "__wrapped__")
