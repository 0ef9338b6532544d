"""What a server consists of, whichever way it is served."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from service_core import LocalServiceException, Server, ServiceModule, TokenVerifier
from service_core.di import Environment
from service_core.dispatch import Executor, Target, ThreadPool, targets_of
from service_health import HealthModule
from service_server_fastapi.access.allowed_hosts import AllowedHosts
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.application.assembly import Assembly
from service_server_fastapi.application.bare import BareApplication
from service_server_fastapi.application.fastapi_choice import needs_fastapi
from service_server_fastapi.application.interface import Application
from service_server_fastapi.lifecycle.declaration_checks import hosting_findings
from service_server_fastapi.lifecycle.exposure import warn_if_open
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.lifecycle.lifespan import running
from service_server_fastapi.lifecycle.loop_watch import LoopWatch
from service_server_fastapi.requests.in_flight import InFlight
from service_server_fastapi.serving.served_address import ServedAddress
from service_server_fastapi.settings import ServerSettings

if TYPE_CHECKING:  # imported by what uses it
    from fastapi import FastAPI

logger: Final = logging.getLogger("service.server")


class ServerParts:
    """The address, the threads, the application and the environment of one server."""

    def __init__(
        self,
        server: Server,
        settings: ServerSettings,
        app: FastAPI | None,
        verifier: TokenVerifier | type[TokenVerifier] | None,
    ) -> None:
        self.server = server
        self.settings = settings
        self.address = ServedAddress(settings)
        self.instances: list[object] = []
        """Ready objects that belong to the environment, besides the server."""
        self.hosting: Hosting | None = None
        self.assembly: Assembly | None = None
        self.in_flight = InFlight(
            lambda: self.hosting is not None and self.hosting.is_stopping,
            AllowedHosts(settings.allowed_hosts),
            RejectionLog(),
        )
        self.steps: Final = ThreadPool(1)
        """Runs the steps of the life cycle that may block."""
        self._workers: Final = ThreadPool(settings.worker_threads)
        self._readers: Final = ThreadPool(2)  # of large requests
        self._app = app
        self._application: Application | None = None
        self._verifier = verifier

    @property
    def app(self) -> FastAPI:
        """The FastAPI application: the one that was given, else one that is made when it is first used.

        Raises LocalServiceException if the server has been started without one.
        """
        if self._app is None:
            if self._application is not None:
                raise LocalServiceException(
                    "the server has been started without FastAPI, since it had no services with routes and no "
                    "application of yours; pass FastAPIServer(app=FastAPI()), or use server.app before boot()"
                )
            from fastapi_offline import FastAPIOffline

            self._app = FastAPIOffline(title="Services", static_url="/docs/files")
        return self._app

    def use_fastapi(self) -> Application:
        """Serve with the FastAPI application, whether or not a service has routes.

        It takes most of the time and memory of a start, so it is imported where it is needed.
        """
        from service_server_fastapi.application.full import FullApplication

        self._application = FullApplication(self.app, self.in_flight)
        return self._application

    def assemble(self, module: type) -> tuple[Hosting, Assembly]:
        """Create the environment and route to it."""
        with Server.booting(self.address.value):
            environment = Environment(module, ServiceModule, HealthModule, instances=[self.server, *self.instances])
        self.hosting = hosting = Hosting(environment, self.settings, self.address.value)
        hosted = hosting.manager.hosted_services()
        for finding in hosting_findings(environment, hosted):
            logger.warning(finding)
        targets = targets_of(hosted)
        self.assembly = Assembly.of(
            hosting,
            targets,
            self._application_for(targets),
            settings=self.settings,
            calls=self._executor(environment),
            in_flight=self.in_flight,
            readers=self._readers,
        )
        return hosting, self.assembly

    @contextlib.asynccontextmanager
    async def running(self, hosting: Hosting, assembly: Assembly) -> AsyncIterator[None]:
        """Start the components on the event loop of the requests; shut them down at the end."""
        self.in_flight.begin()
        assembly.health.begin()
        with LoopWatch():
            async with running(hosting, self.server, self.steps):
                yield

    def leave(self, hosting: Hosting) -> None:
        """Deregister, and limit the time that calls in flight may still take."""
        hosting.leave()
        self.in_flight.end_within(self.settings.drain_timeout)

    def close_threads(self) -> None:
        """End all threads that are idle, and the others when they have finished."""
        for threads in (self._workers, self._readers, self.steps):
            threads.close()

    def _executor(self, environment: Environment) -> Executor:
        verifier = environment.get(self._verifier) if isinstance(self._verifier, type) else self._verifier
        warn_if_open(self.settings, has_verifier=verifier is not None)
        return Executor(
            self._workers,
            writers=self._readers,
            expose_errors=self.settings.expose_errors,
            verifier=verifier,
            keep_alive=self.settings.stream_keep_alive,
        )

    def _application_for(self, targets: Sequence[Target]) -> Application:
        if self._application is not None:
            return self._application
        if self._app is not None or needs_fastapi(targets):
            return self.use_fastapi()
        self._application = BareApplication(self.in_flight)
        return self._application
