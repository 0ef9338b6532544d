"""The endpoints of the framework without FastAPI, for servers that have neither REST nor an application of the user's.

FastAPI takes most of the time and memory with which a server starts; these endpoints need nothing of it.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from service_core.dispatch import Response, Target
from service_core.wire import JSON
from service_server_fastapi.application.interface import path_is_taken
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.in_flight import InFlight
from service_server_fastapi.requests.sending import send_answer
from service_server_fastapi.rest.resources import RouteResources

_NOT_FOUND: Final = Response(status=404, content_type=JSON.content_type, body=b'{"detail":"Not Found"}')
"""As FastAPI answers."""


class BareApplication:
    """An ASGI application with a table of paths."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self._endpoints: dict[str, ASGIApp] = {}
        self.lifespan_context: Any = _nothing

    @property
    def app(self) -> ASGIApp:
        """The application itself."""
        return self

    @property
    def lifespan(self) -> BareApplication:
        """Where its lifespan is."""
        return self

    def add(self, path: str, endpoint: ASGIApp) -> None:
        """Send requests for a path to an endpoint. Raises DeclarationException if the path is taken."""
        if path in self._endpoints:
            raise path_is_taken(path)
        self._endpoints[path] = endpoint

    def mount(self, targets: Iterable[Target], resources: RouteResources) -> Callable[[Scope], FastPath | None]:
        """There is nothing to add: services with routes are served with FastAPI."""
        return lambda _scope: None

    def obstacles(self) -> list[str]:
        """None: there are no layers that a bypass could leave out."""
        return []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or another event of the ASGI server."""
        if scope["type"] == "http":
            await self._in_flight.watch(self._answer, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            await endpoint(scope, receive, send)
        elif path.endswith("/") and path[:-1] in self._endpoints:
            await send_answer(send, _redirect(path[:-1], scope["query_string"].decode("latin-1")))
        else:
            await send_answer(send, _NOT_FOUND)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan, and report each end of it to the ASGI server."""
        await receive()
        phase = "startup"
        try:
            async with self.lifespan_context(self):
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except BaseException:
            await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def _redirect(path: str, query: str) -> Response:
    """The answer to a path with a slash too many, as Starlette gives it."""
    location = quote(path) + (f"?{query}" if query else "")
    return Response(status=307, content_type="text/plain", body=b"", headers=(("location", location),))


@contextlib.asynccontextmanager
async def _nothing(_app: object) -> AsyncIterator[None]:
    yield
