"""Requests that arrive although the lifespan of the application has not run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from service_core import ErrorCode
from service_core.dispatch import envelope, problem, refusal
from service_core.wire import context_from_headers
from service_server_fastapi.paths import is_dispatch
from service_server_fastapi.requests.admission import headers_of
from service_server_fastapi.requests.sending import send_answer

if TYPE_CHECKING:  # applications without FastAPI do not import it
    from fastapi import FastAPI

logger: Final = logging.getLogger("service.server")

REASON: Final = (
    "the lifespan of the application has not run, so no component has been started; serve it with an ASGI server that "
    "runs the lifespan (not daphne, not uvicorn --lifespan off), and mount it with server.mount(app, path), since "
    "app.mount() alone runs no lifespan"
)


class ObservedPort:
    """The port at which requests arrive, as the ASGI server reports it."""

    def __init__(self) -> None:
        self.port: int | None = None

    def note(self, scope: Scope) -> None:
        """Read the port from a request; a Unix socket has none."""
        server = scope.get("server")
        if server is not None and server[1]:
            self.port = server[1]


class MissingLifespan:
    """Middleware that answers 503 with the reason until the lifespan has begun, except on the user's own routes."""

    def __init__(self, app: ASGIApp, *, user: FastAPI, has_begun: Callable[[], bool], observed: ObservedPort) -> None:
        self._observed = observed
        self._app = app
        self._user = user
        self._has_begun = has_begun
        self._is_logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        self._observed.note(scope)
        if scope["type"] != "http" or self._has_begun() or self._is_for_user(scope):
            await self._app(scope, receive, send)
            return
        if not self._is_logged:
            self._is_logged = True
            logger.error("answering 503: %s", REASON)
        error = refusal(ErrorCode.UNAVAILABLE, REASON, context=context_from_headers(headers_of(scope)))
        await send_answer(send, (envelope if is_dispatch(scope) else problem)(error, status=503))

    def _is_for_user(self, scope: Scope) -> bool:
        from starlette.routing import Match

        return any(route.matches(scope)[0] is not Match.NONE for route in self._user.routes)
