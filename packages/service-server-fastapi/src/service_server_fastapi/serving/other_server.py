"""Serving under another ASGI server, which runs the lifespan of the application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from service_core import LocalServiceException
from service_server_fastapi.application.assembly import Assembly
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.lifecycle.lifespan import Lifespan, registered_elsewhere
from service_server_fastapi.lifecycle.missing_lifespan import MissingLifespan, ObservedPort
from service_server_fastapi.serving.server_parts import ServerParts

if TYPE_CHECKING:  # imported by what uses it
    from fastapi import FastAPI
    from starlette.applications import Starlette


class OtherServer:
    """The application of a server for an ASGI server that this process does not start itself."""

    def __init__(self, parts: ServerParts) -> None:
        self._parts = parts
        self._observed = ObservedPort()
        self._is_made = False

    def asgi(self, module: type) -> FastAPI:
        """The application; see :meth:`FastAPIServer.asgi`."""
        from fastapi import FastAPI

        parts = self._parts
        user = FastAPI(routes=list(parts.app.routes), openapi_url=None)
        parts.use_fastapi()
        parts.app.add_middleware(
            MissingLifespan, user=user, has_begun=lambda: parts.hosting is not None, observed=self._observed
        )
        parts.address.bind(parts.settings.port)
        Lifespan(parts.app.router, lambda: self._hosted(module), keeps=False)
        self._is_made = True
        return parts.app

    def mount(self, app: Starlette, path: str) -> None:
        """Serve the application below ``path`` of another one; see :meth:`FastAPIServer.mount`."""
        if not self._is_made:
            raise LocalServiceException("mount() serves the application of asgi(): call asgi(module) before")
        inner = self._parts.app
        prefix = f"/{path.strip('/')}".rstrip("/")
        self._parts.address.move_below(prefix)
        app.mount(prefix, inner)
        Lifespan(app.router, lambda: inner.router.lifespan_context(inner), keeps=False)

    @contextlib.asynccontextmanager
    async def _hosted(self, module: type) -> AsyncIterator[None]:
        parts = self._parts
        try:
            assembled: tuple[Hosting, Assembly] = await parts.steps.run(parts.assemble, (module,))
            hosting, assembly = assembled
            try:
                async with (
                    parts.running(hosting, assembly),
                    registered_elsewhere(
                        lambda port: self._register_at(port, hosting),
                        lambda: parts.leave(hosting),
                        is_idle=lambda: not parts.in_flight.tasks,
                        settings=parts.settings,
                        path=parts.address.value.path,
                        observed=self._observed,
                        steps=parts.steps,
                    ),
                ):
                    yield
            except BaseException as failure:
                await parts.steps.run(hosting.give_up, (failure,))
                raise
        finally:
            parts.close_threads()

    def _register_at(self, port: int, hosting: Hosting) -> None:
        self._parts.address.port = port
        hosting.register(port)
