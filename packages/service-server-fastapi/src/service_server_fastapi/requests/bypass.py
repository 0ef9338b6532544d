"""In front of the application: calls are taken past its layers, unless one has been put there that should see them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.in_flight import InFlight

logger: Final = logging.getLogger("service.server")


class Bypass:
    """The application that a listener serves.

    FastAPI's layers (telemetry, error pages, limits, exit stacks, routing) take longer than a whole call, and a call
    needs none of them: its endpoint has limits and answers errors of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        in_flight: InFlight,
        find: Callable[[Scope], FastPath | None],
        obstacles: Callable[[], list[str]],
    ) -> None:
        """``find`` gives what answers a request, which ``app`` would send there too; None for all others.

        ``obstacles`` gives the reasons why ``app`` has to see calls.
        """
        self.app = app
        self.in_flight = in_flight
        self._find = find
        self._find_obstacles = obstacles
        self._obstacles: list[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or another event of the ASGI server."""
        fast_path = self.fast_path(scope) if scope["type"] == "http" else None
        if fast_path is None:
            await self.app(scope, receive, send)
        else:
            await self.in_flight.watch(fast_path, scope, receive, send)

    def fast_path(self, scope: Scope) -> FastPath | None:
        """The endpoint of an HTTP request if the bypass cannot be observed, None if the application has to see it.

        The same for all requests of one beginning: verb, path and host.
        """
        if self._obstacles is None:
            # From the first request on FastAPI takes no more middleware.
            self._obstacles = self._find_obstacles()
            if self._obstacles:
                logger.warning("calls go through all layers of the application, since %s", "; ".join(self._obstacles))
        if self._obstacles or scope.get("root_path") or not self.in_flight.hosts.allow(scope):
            return None
        fast_path = self._find(scope)
        if fast_path is not None:
            scope["app"] = self.app
        return fast_path
