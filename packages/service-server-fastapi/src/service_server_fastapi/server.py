"""The server: FastAPI and uvicorn around hosted components."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Self

from service_core import Health, LocalServiceException, Server, TokenVerifier
from service_core.di import Environment
from service_server_fastapi.lifecycle.hosting import HostingState
from service_server_fastapi.serving.green_threads import refuse_green_threads
from service_server_fastapi.serving.other_server import OtherServer
from service_server_fastapi.serving.own_listener import OwnListener
from service_server_fastapi.serving.server_parts import ServerParts
from service_server_fastapi.settings import ServerSettings, settings_of

if TYPE_CHECKING:  # imported by what uses it
    from fastapi import FastAPI
    from starlette.applications import Starlette


class FastAPIServer(Server):
    """Hosts the components of one module over HTTP.

    Used once, in one of three ways: :meth:`boot` serves in the background, :meth:`run` in the foreground, and
    :meth:`asgi` leaves serving to an ASGI server. All three stop in the same order: not ready, deregistered, calls
    in flight finished, components shut down.
    """

    _default_host = "0.0.0.0"  # noqa: S104 - a server is meant to be reached

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        app: FastAPI | None = None,
        *,
        uds: str | os.PathLike[str] | None = None,
        expose_errors: bool | None = None,
        verifier: TokenVerifier | type[TokenVerifier] | None = None,
        settings: ServerSettings | None = None,
    ) -> None:
        """The defaults come from ``settings``, by default ``0.0.0.0:8000``; port 0 picks a free one.

        ``uds`` is the path of a Unix domain socket to listen on, for processes of this machine, in place of host and
        port. Raises LocalServiceException if both are given.
        ``app`` is the user's own application: its routes, middleware and lifespan work beside the framework's.
        ``verifier`` returns the principal of every call; if it is a class, the container creates it. Without one
        every caller is accepted.
        """
        self.settings = settings_of(
            settings,
            host=host,
            port=port,
            uds=uds,
            expose_errors=expose_errors,
            default_host=self._default_host,
        )
        self._parts = ServerParts(self, self.settings, app, verifier)
        self._own_listener = OwnListener(self._parts)
        self._other_server = OtherServer(self._parts)
        self._is_used = False

    # three ways to serve

    def boot(self, module: type) -> Environment:
        """Serve in a background thread; returns when requests are answered and the components are registered.

        In the main thread SIGTERM and SIGINT stop the server first and then do what they did before; so does the
        end of the program. Raises PortInUseException, DependencyException, DeclarationException, every error of a
        component's ``startup``, and LocalServiceException if :meth:`stop` was called meanwhile; then nothing
        is left running, installed or registered.
        """
        self._use()
        return self._own_listener.boot(module, passes_signals_on=True)

    def wait(self) -> None:
        """Wait in the main thread until SIGTERM, SIGINT or :meth:`stop` has stopped the server; then return.

        Raises the error of the stop.
        """
        self._own_listener.wait()

    def run(self, module: type) -> None:
        """Serve in the foreground: :meth:`boot` and :meth:`wait`."""
        self._use()
        self._own_listener.boot(module, passes_signals_on=False)
        self.wait()

    def asgi(self, module: type) -> FastAPI:
        """The application for an ASGI server, whose lifespan starts and stops everything.

        ``host`` and ``port``, or ``uds``, are then those at which that server is reached. Components are registered
        once it answers. With several workers each has an environment of its own, and all are registered as one
        instance. Raises LocalServiceException for port 0.
        """
        if self.settings.port == 0 and self.settings.uds is None:
            raise LocalServiceException(
                "asgi() cannot know which port another server picks; pass FastAPIServer(port=...) the port on which "
                "the ASGI server listens"
            )
        self._use()
        return self._other_server.asgi(module)

    def mount(self, app: Starlette, path: str) -> None:
        """Serve the application of :meth:`asgi` below ``path`` of another one, and run its lifespan within the other's.

        The addresses of ``Server.get_url`` end with the path. It is the same as ``app.mount(path, inner)`` with
        ``inner.router.lifespan_context(inner)`` entered in the lifespan of ``app``. Raises LocalServiceException before
        :meth:`asgi`.
        """
        self._other_server.mount(app, path)

    def stop(self) -> None:
        """Stop what :meth:`boot` or :meth:`run` started, and return when it has stopped.

        Safe to call twice and from any thread. Calls in flight get ``drain_timeout`` seconds to finish. Inside a
        request it returns at once, since the stop waits for that request. Raises the errors
        of ``shutdown`` of components and the like, after all has been stopped; an ExceptionGroup if it was several.
        The application of :meth:`asgi` ends with its ASGI server, not here. During :meth:`boot` it makes that raise. In
        a forked child nothing happens.
        """
        self._own_listener.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.__enter__()  # in this thread, since only the main one installs signal handlers

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self.stop)  # the calls in flight may be those of this event loop

    # views

    @property
    def app(self) -> FastAPI:
        """The FastAPI application: the one that was given, else one that is made when it is first used.

        Raises LocalServiceException if the server has been started without one.
        """
        return self._parts.app

    @property
    def url(self) -> str:
        """The address of the server for processes of this machine. Raises LocalServiceException before it is bound."""
        return self._parts.address.url

    @property
    def is_ready(self) -> bool:
        """Whether the components are registered and calls are accepted."""
        hosting = self._parts.hosting
        return hosting is not None and hosting.state is HostingState.READY

    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with the result of ``check``, as JSON; the registry maps it to a status.

        Raises DeclarationException if the path is in use already.
        """
        assembly, hosting = self._parts.assembly, self._parts.hosting
        if assembly is None or hosting is None:
            raise LocalServiceException("health is routed while the server starts, not before")
        assembly.add_component(path, check, hosting, self.settings)

    def _use(self) -> None:
        if self._is_used:
            raise LocalServiceException("a server starts once; create another one")
        refuse_green_threads()
        self._is_used = True
