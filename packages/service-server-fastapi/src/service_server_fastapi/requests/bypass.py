"""In front of FastAPI: calls are taken past its layers, unless something has been put there that should see them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from service_server_fastapi.requests.fast_path import Direct
from service_server_fastapi.requests.in_flight import Traffic

__all__ = ["Front"]

_OBSERVERS: Final = ("opentelemetry.sdk", "ddtrace", "sentry_sdk", "newrelic")
"""Who has loaded one of these wants FastAPI to tell of every request."""


_OURS: Final = __name__.partition(".")[0]


class Front:
    """The application that a listener serves.

    FastAPI's layers (telemetry, error pages, limits, exit stacks, routing) take longer than a whole call, and a call
    needs none of them: its endpoint has limits and answers errors of its own.
    """

    def __init__(self, app: FastAPI, traffic: Traffic, find: Callable[[Scope], Direct | None]) -> None:
        """``find`` gives what answers a request, which ``app`` would send there too; None for all others."""
        self._app = app
        self.traffic = traffic
        self._find = find
        self._is_plain: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or whatever else the ASGI server has to say."""
        direct = self.direct(scope) if scope["type"] == "http" else None
        if direct is None:
            await self._app(scope, receive, send)
        else:
            await self.traffic.watch(direct, scope, receive, send)

    def direct(self, scope: Scope) -> Direct | None:
        """What answers an HTTP request if nobody can tell the difference, None if the application has to see it.

        The same for all requests of one beginning: verb, path and host.
        """
        if self._is_plain is None:
            # From the first request on FastAPI takes no more middleware.
            self._is_plain = _is_plain(self._app)
        if not self._is_plain or scope.get("root_path") or not self.traffic.hosts.allow(scope):
            return None
        direct = self._find(scope)
        if direct is not None:
            scope["app"] = self._app
        return direct


def _is_plain(app: FastAPI) -> bool:
    own = [one for one in app.user_middleware if not str(getattr(one.cls, "__module__", "")).startswith(_OURS)]
    return (
        not own
        and type(app) is FastAPI
        and not app.root_path
        and getattr(app, "max_body_size", None) is None
        and "build_middleware_stack" not in vars(app)
        and all(
            _is_original(method) for method in (FastAPI.__call__, Starlette.__call__, FastAPI.build_middleware_stack)
        )
        and not any(name in sys.modules for name in _OBSERVERS)
    )


def _is_original(method: object) -> bool:
    """Whether nobody has wrapped a method of FastAPI's, as tools do that watch over applications."""
    module = str(getattr(method, "__module__", ""))
    return module.startswith(("fastapi.", "starlette.")) and not hasattr(method, "__wrapped__")
