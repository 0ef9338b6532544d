"""The server: FastAPI and uvicorn around hosted components."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service_core import Health, LocalServiceException, Server, ServiceModule
from service_core.di import Environment
from service_core.server import WILDCARDS
from service_server_fastapi.dispatcher import Dispatcher
from service_server_fastapi.endpoint import InvokeEndpoint
from service_server_fastapi.hosting import Hosting, HostingState
from service_server_fastapi.listener import Listener, bind
from service_server_fastapi.probe import wait_until_answering
from service_server_fastapi.settings import ServerSettings
from service_server_fastapi.signals import GracefulSignals
from service_server_fastapi.workers import Workers

__all__ = ["FastAPIServer"]

logger: Final = logging.getLogger("service.server")

LIVE: Final = "/health/live"
READY: Final = "/health/ready"


class FastAPIServer(Server):
    """Hosts the components of one module over HTTP.

    Used once, in one of three ways: :meth:`boot` serves in the background, :meth:`run` in the foreground, and
    :meth:`asgi` leaves serving to an ASGI server. All three stop in the same order: not ready, deregistered, calls
    in flight finished, components shut down.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        app: FastAPI | None = None,
        *,
        expose_errors: bool | None = None,
        settings: ServerSettings | None = None,
    ) -> None:
        """What is not given comes from ``settings``, by default ``0.0.0.0:8000``; port 0 picks a free one.

        ``app`` is the user's own application: its routes, middleware and lifespan work beside the framework's.
        """
        given = {"host": host, "port": port, "expose_errors": expose_errors}
        overrides = {name: value for name, value in given.items() if value is not None}
        self.settings = ServerSettings(**{**(settings or ServerSettings()).model_dump(), **overrides})
        self.app = app if app is not None else FastAPI(title="Services")
        self._hosting: Hosting | None = None
        self._listener: Listener | None = None
        self._workers: Workers | None = None
        self._signals: GracefulSignals | None = None
        self._port: int | None = None
        self._used = False
        self._stopped = threading.Event()

    # three ways to serve

    def boot(self, module: type) -> Environment:
        """Serve in a background thread; returns when requests are answered and the components are registered.

        In the main thread SIGTERM and SIGINT stop the server first and then do what they did before; so does the
        end of the program. Raises PortInUseException, DependencyException, DeclarationException and whatever a
        component's ``startup`` raises; then nothing is left running or registered.
        """
        self._use()
        bound = bind(self.settings.host, self.settings.port)
        port = bound.getsockname()[1]
        self._bound_to(self.settings.host, port)
        try:
            hosting = self._assemble(module)
        except BaseException:
            bound.close()
            raise
        try:
            self._listener = Listener(self.app, bound, self.settings)
            self._listener.start()
            hosting.register(port)
        except BaseException:
            self.stop()
            raise
        self._signals = GracefulSignals(self.stop, pass_on=True)
        self._signals.install()
        atexit.register(self.stop)
        logger.info("serving on %s", self.url)
        return hosting.environment

    def wait(self) -> None:
        """Wait in the main thread until SIGTERM, SIGINT or :meth:`stop` has stopped the server; then return."""
        if self._signals is not None:
            self._signals.pass_on = False
        while not self._stopped.wait(3600):  # without a limit, Windows would not see Ctrl-C
            pass
        if self._signals is not None:
            self._signals.restore()

    def run(self, module: type) -> None:
        """Serve in the foreground: :meth:`boot` and :meth:`wait`."""
        self.boot(module)
        self.wait()

    def asgi(self, module: type) -> FastAPI:
        """The application for an ASGI server, whose lifespan starts and stops everything.

        ``port`` is then the one on which that server is reached. Components are registered once it answers. With
        several workers each has an environment of its own, and all are registered as one instance.
        """
        self._use()
        self._bound_to(self.settings.host, self.settings.port)
        inner = self.app.router.lifespan_context

        @contextlib.asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[Any]:
            async with inner(app) as state:
                hosting = self._assemble(module)
                signals = GracefulSignals(hosting.leave, pass_on=True)
                signals.install()
                registering = asyncio.create_task(self._register_when_answering(hosting))
                try:
                    yield state
                finally:
                    registering.cancel()
                    await asyncio.to_thread(hosting.leave)
                    signals.restore()
                    self._finish(hosting)

        self.app.router.lifespan_context = lifespan
        return self.app

    def stop(self) -> None:
        """Stop what :meth:`boot` or :meth:`run` started, and return when it has stopped.

        Safe to call twice and from any thread. Calls in flight get ``drain_timeout`` seconds to finish.
        """
        hosting, listener = self._hosting, self._listener
        if hosting is None or listener is None:
            return
        try:
            hosting.leave()
            listener.stop()
            self._finish(hosting)
        finally:
            atexit.unregister(self.stop)
            if self._signals is not None and not self._signals.ending:
                self._signals.restore()
            self._stopped.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # views

    @property
    def url(self) -> str:
        """Where this machine's other processes reach the server. Raises LocalServiceException before it is bound."""
        if self._port is None:
            raise LocalServiceException("the server has no address before boot(), run() or asgi()")
        host = "127.0.0.1" if self.settings.host in WILDCARDS else self.settings.host
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def is_ready(self) -> bool:
        """Whether the components are registered and calls are wanted."""
        return self._hosting is not None and self._hosting.state is HostingState.READY

    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with what ``check`` says, as JSON; the registry maps it to a status."""

        async def endpoint(_request: Request) -> Response:
            health = await check()
            status = 200 if self._hosting is None else self._hosting.manager.component_registry.map_health(health)
            return JSONResponse(health.to_dict(), status)

        self._add_route(path, endpoint)

    # parts

    def _bound_to(self, host: str, port: int) -> None:
        self._port = port
        Server.host, Server.port = host, port

    def _assemble(self, module: type) -> Hosting:
        """Make the environment, start its components and route to them."""
        environment = Environment(module, ServiceModule, instances=[self])
        try:
            hosting = Hosting(environment, propagation_delay=self.settings.propagation_delay)
            workers = Workers(self.settings.worker_threads)
            dispatcher = Dispatcher(
                hosting.manager.hosted_services(), workers, expose_errors=self.settings.expose_errors
            )
            invoke = InvokeEndpoint(
                dispatcher, self.settings, is_stopping=lambda: hosting.state is HostingState.STOPPING
            )
            self._add_route("/invoke", invoke)
            self._add_route(LIVE, _live)
            self._add_route(READY, self._ready)
            self._hosting, self._workers = hosting, workers
            hosting.start(self)
        except BaseException:
            self._hosting = None
            environment.destroy()
            raise
        return hosting

    def _finish(self, hosting: Hosting) -> None:
        try:
            hosting.finish()
        finally:
            if self._workers is not None:
                self._workers.close()

    async def _register_when_answering(self, hosting: Hosting) -> None:
        host, port = self.settings.host, self.settings.port
        if await wait_until_answering(host, port, LIVE, timeout=30.0):
            await asyncio.to_thread(hosting.register, port)
        else:
            logger.error(
                "nobody answers on %s:%d, so nothing is registered; give FastAPIServer(host=..., port=...) the "
                "address that your ASGI server listens on",
                host,
                port,
            )

    async def _ready(self, _request: Request) -> Response:
        return JSONResponse({"status": "OK" if self.is_ready else "ERROR"}, 200 if self.is_ready else 503)

    def _add_route(self, path: str, endpoint: Any) -> None:
        # Before the user's routes, among which there may be one that takes every path.
        self.app.router.routes.insert(0, Route(path, endpoint, include_in_schema=False))

    def _use(self) -> None:
        if self._used:
            raise LocalServiceException("a FastAPIServer serves once; make another one for another module")
        self._used = True


async def _live(_request: Request) -> Response:
    return JSONResponse({"status": "OK"})
