"""The server: FastAPI and uvicorn around hosted components."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Self

from service_core import Health, LocalServiceException, Server, ServiceModule, TokenVerifier, unix_url
from service_core.di import Environment
from service_core.dispatch import Executor, Target, ThreadPool, targets_of
from service_core.hosting import WILDCARDS, ServerAddress, url_of
from service_health import HealthModule
from service_server_fastapi.access.allowed_hosts import AllowedHosts
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.application.assembly import Assembly
from service_server_fastapi.application.bare import BareApplication
from service_server_fastapi.application.choice import needs_fastapi
from service_server_fastapi.application.interface import Application
from service_server_fastapi.lifecycle.declaration_checks import hosting_findings
from service_server_fastapi.lifecycle.exposure import warn_if_open
from service_server_fastapi.lifecycle.lifespan import Lifespan, registered_elsewhere, running
from service_server_fastapi.lifecycle.missing_lifespan import MissingLifespan, ObservedPort
from service_server_fastapi.lifecycle.signals import GracefulSignals
from service_server_fastapi.lifecycle.state import Hosting, HostingState
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind_as
from service_server_fastapi.listening.tls import server_tls
from service_server_fastapi.requests.in_flight import Traffic
from service_server_fastapi.requests.request_context import RequestContext
from service_server_fastapi.settings import ServerSettings, settings_of

if TYPE_CHECKING:  # imported by what uses it
    from fastapi import FastAPI
    from starlette.applications import Starlette

__all__ = ["FastAPIServer"]

logger: Final = logging.getLogger("service.server")

_SLACK: Final = 5.0
"""Seconds that the event loop may take to end after everything on it has ended."""


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
        self.settings = settings_of(settings, host=host, port=port, uds=uds, expose_errors=expose_errors)
        self._app = app
        self._application: Application | None = None
        self._verifier = verifier
        self._instances: list[object] = []
        """Ready objects that belong to the environment; :func:`serve` adds its implementations."""
        self._hosting: Hosting | None = None
        self._assembly: Assembly | None = None
        self._lifespan: Lifespan | None = None
        self._listener: Listener | None = None
        self._signals: GracefulSignals | None = None
        self._rejections = RejectionLog()
        self._traffic = Traffic(
            lambda: self._hosting is not None and self._hosting.is_stopping,
            AllowedHosts(self.settings.allowed_hosts),
            self._rejections,
        )
        self._workers = ThreadPool(self.settings.worker_threads)
        self._readers = ThreadPool(2)  # of large requests
        self._steps = ThreadPool(1)
        self._scheme: Final = "https" if self.settings.uses_tls else "http"
        self._port: int | None = None
        self._address = ServerAddress()
        self._observed = ObservedPort()
        self._is_used = False
        self._process = os.getpid()
        self._is_booting = self._is_stop_wanted = False
        self._booted = threading.Event()  # boot() has returned or raised
        self._stopping = threading.Lock()
        self._stopped = threading.Event()
        self._failure: BaseException | None = None

    # three ways to serve

    def boot(self, module: type) -> Environment:
        """Serve in a background thread; returns when requests are answered and the components are registered.

        In the main thread SIGTERM and SIGINT stop the server first and then do what they did before; so does the
        end of the program. Raises PortInUseException, DependencyException, DeclarationException, every error of a
        component's ``startup``, and LocalServiceException if :meth:`stop` was called meanwhile; then nothing
        is left running, installed or registered.
        """
        return self._boot(module, passes_signals_on=True)

    def _boot(self, module: type, *, passes_signals_on: bool) -> Environment:
        self._use()
        tls = server_tls(self.settings)
        bound, file = bind_as(self.settings)
        self._process, self._is_booting = os.getpid(), True
        try:
            self._bind_to(bound.getsockname()[1] if file is None else 0)
            hosting, assembly = self._assemble(module)
            self._check_wanted()
            self._listen(Listener(assembly.front, bound, self.settings, tls, file=file), hosting, assembly)
            self._check_wanted()
            self._signals = GracefulSignals(self._stop_by_signal, pass_on=passes_signals_on)
            self._signals.install()
            hosting.register(self._address.port)
            with self._stopping:
                self._check_wanted()
                self._is_booting = False
            self._booted.set()
        except BaseException as failure:
            self._give_up(failure)
            if file is not None:
                file.remove()
            bound.close()
            raise
        atexit.register(self.stop)
        logger.info("serving on %s", self.url)
        return hosting.environment

    def wait(self) -> None:
        """Wait in the main thread until SIGTERM, SIGINT or :meth:`stop` has stopped the server; then return.

        Raises the error of the stop.
        """
        if self._signals is not None:
            self._signals.pass_on = False
        while not self._stopped.wait(1.0):  # a signal that arrives just before a wait begins is noticed after it
            pass
        if self._signals is not None:
            self._signals.restore()
        if self._failure is not None:
            raise self._failure

    def run(self, module: type) -> None:
        """Serve in the foreground: :meth:`boot` and :meth:`wait`."""
        self._boot(module, passes_signals_on=False)
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
        from fastapi import FastAPI

        from service_server_fastapi.application.full import FullApplication

        user = FastAPI(routes=list(self.app.routes), openapi_url=None)
        self._use()
        self._application = FullApplication(self.app, self._traffic)
        self.app.add_middleware(
            MissingLifespan, user=user, has_begun=lambda: self._hosting is not None, observed=self._observed
        )
        self._bind_to(self.settings.port)
        self._lifespan = Lifespan(self.app.router, lambda: self._hosted_elsewhere(module), keeps=False)
        return self.app

    def mount(self, app: Starlette, path: str) -> None:
        """Serve the application of :meth:`asgi` below ``path`` of another one, and run its lifespan within the other's.

        The addresses of ``Server.get_url`` end with the path. It is the same as ``app.mount(path, inner)`` with
        ``inner.router.lifespan_context(inner)`` entered in the lifespan of ``app``. Raises LocalServiceException before
        :meth:`asgi`.
        """
        if self._lifespan is None or self._listener is not None:
            raise LocalServiceException("mount() serves the application of asgi(): call asgi(module) before")
        prefix = f"/{path.strip('/')}".rstrip("/")
        self._address = dataclasses.replace(self._address, path=prefix)
        app.mount(prefix, self.app)
        Lifespan(app.router, lambda: self.app.router.lifespan_context(self.app), keeps=False)

    def stop(self) -> None:
        """Stop what :meth:`boot` or :meth:`run` started, and return when it has stopped.

        Safe to call twice and from any thread. Calls in flight get ``drain_timeout`` seconds to finish. Inside a
        request it returns at once, since the stop waits for that request. Raises the errors
        of ``shutdown`` of components and the like, after all has been stopped; an ExceptionGroup if it was several.
        The application of :meth:`asgi` ends with its ASGI server, not here. During :meth:`boot` it makes that raise. In
        a forked child nothing happens.
        """
        hosting, listener = self._hosting, self._listener
        if os.getpid() != self._process:
            return
        if self._is_booting and self._refuse_to_boot():
            return
        if hosting is None or listener is None:
            return
        if self._is_inside(hosting, listener):
            stop = threading.Thread(target=self._stop_once, args=(hosting, listener), name="service-stop", daemon=True)
            stop.start()
            return
        self._stop_once(hosting, listener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # views

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

    @property
    def url(self) -> str:
        """The address of the server for processes of this machine. Raises LocalServiceException before it is bound."""
        if self._port is None:
            raise LocalServiceException("the server has no address before boot(), run() or asgi()")
        if self._address.uds:
            return unix_url(self._address.uds)
        host = "127.0.0.1" if self.settings.host in WILDCARDS else self.settings.host
        return url_of(self._scheme, host, self._port)

    @property
    def is_ready(self) -> bool:
        """Whether the components are registered and calls are accepted."""
        return self._hosting is not None and self._hosting.state is HostingState.READY

    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with the result of ``check``, as JSON; the registry maps it to a status.

        Raises DeclarationException if the path is in use already.
        """
        assembly, hosting = self._assembly, self._hosting
        if assembly is None or hosting is None:
            raise LocalServiceException("health is routed while the server starts, not before")
        assembly.add_component(path, check, hosting, self.settings)

    # parts

    def _use(self) -> None:
        if self._is_used:
            raise LocalServiceException("a FastAPIServer serves once; create another one for another module")
        self._is_used = True

    def _bind_to(self, port: int) -> None:
        self._port = port
        if self.settings.uds is not None:
            self._port, self._address = 0, ServerAddress(uds=str(self.settings.uds.absolute()))
        else:
            self._address = ServerAddress(host=self.settings.host, port=port, scheme=self._scheme)

    def _assemble(self, module: type) -> tuple[Hosting, Assembly]:
        """Create the environment and route to it."""
        with Server.booting(self._address):
            environment = Environment(module, ServiceModule, HealthModule, instances=[self, *self._instances])
        self._hosting = hosting = Hosting(environment, self.settings, self._address)
        hosted = hosting.manager.hosted_services()
        for finding in hosting_findings(environment, hosted):
            logger.warning(finding)
        targets = targets_of(hosted)
        verifier = environment.get(self._verifier) if isinstance(self._verifier, type) else self._verifier
        calls = Executor(
            self._workers,
            expose_errors=self.settings.expose_errors,
            verifier=verifier,
            keep_alive=self.settings.stream_keep_alive,
        )
        warn_if_open(self.settings, has_verifier=verifier is not None)
        self._application = self._application or self._make_application(targets)
        assembly = self._assembly = Assembly.of(
            hosting,
            targets,
            self._application,
            settings=self.settings,
            calls=calls,
            traffic=self._traffic,
            readers=self._readers,
        )
        return hosting, assembly

    def _make_application(self, targets: Sequence[Target]) -> Application:
        """FastAPI takes most of the time and memory of a start, so it is imported where it is needed."""
        if self._app is None and not needs_fastapi(targets):
            return BareApplication(self._traffic)

        from service_server_fastapi.application.full import FullApplication

        return FullApplication(self.app, self._traffic)

    def _listen(self, listener: Listener, hosting: Hosting, assembly: Assembly) -> None:
        inside = functools.partial(self._running, hosting, assembly)
        lifespan = self._lifespan = Lifespan(assembly.application.lifespan, inside, keeps=True)
        self._listener = listener
        try:
            listener.start()
        except LocalServiceException:
            if lifespan.failure is None:
                raise
            raise lifespan.failure from None

    @contextlib.asynccontextmanager
    async def _running(self, hosting: Hosting, assembly: Assembly) -> AsyncIterator[None]:
        self._traffic.begin()
        assembly.health.begin()
        async with running(hosting, self, self._steps):
            yield

    @contextlib.asynccontextmanager
    async def _hosted_elsewhere(self, module: type) -> AsyncIterator[None]:
        try:
            assembled: tuple[Hosting, Assembly] = await self._steps.run(self._assemble, (module,))
            hosting, assembly = assembled
            try:
                async with (
                    self._running(hosting, assembly),
                    registered_elsewhere(
                        lambda port: self._register_at(port, hosting),
                        lambda: self._leave(hosting),
                        settings=self.settings,
                        path=self._address.path,
                        observed=self._observed,
                        steps=self._steps,
                    ),
                ):
                    yield
            except BaseException as failure:
                await self._steps.run(hosting.give_up, (failure,))
                raise
        finally:
            self._close_threads()

    def _register_at(self, port: int, hosting: Hosting) -> None:
        self._port = port
        hosting.register(port)

    def _leave(self, hosting: Hosting) -> None:
        hosting.leave()
        self._traffic.end_within(self.settings.drain_timeout)

    def _is_inside(self, hosting: Hosting, listener: Listener) -> bool:
        return RequestContext.is_active() or listener.is_own_thread() or hosting.is_shutting_down_here()

    def _stop_once(self, hosting: Hosting, listener: Listener) -> None:
        with self._stopping:
            if self._stopped.is_set():
                return
            try:
                self._stop(hosting, listener)
            except Exception as failure:
                self._failure = failure
                raise
            finally:
                atexit.unregister(self.stop)
                if self._signals is not None and not self._signals.has_come:
                    self._signals.restore()
                self._stopped.set()

    def _stop(self, hosting: Hosting, listener: Listener) -> None:
        self._leave(hosting)
        if not listener.stop(timeout=self.settings.drain_timeout + self.settings.shutdown_timeout + _SLACK):
            logger.error("the event loop did not end in time: something on it blocks or cannot be cancelled")
        self._close_threads()
        try:
            hosting.finish()
        finally:
            if self._lifespan is not None and self._lifespan.failure is not None:
                raise self._lifespan.failure

    def _close_threads(self) -> None:
        for threads in (self._workers, self._readers, self._steps):
            threads.close()

    def _refuse_to_boot(self) -> bool:
        """Make boot() raise; False if it is over meanwhile."""
        with self._stopping:
            self._is_stop_wanted = self._is_booting
            return self._is_booting

    def _check_wanted(self) -> None:
        if self._is_stop_wanted:
            raise LocalServiceException("the server was stopped before it was ready")

    def _stop_by_signal(self) -> None:
        self._booted.wait()  # boot() does not raise then, which would end the process in another way than the signal
        self.stop()
        self._stopped.wait()

    def _give_up(self, failure: BaseException) -> None:
        """Undo the steps before a failure that boot() raises."""
        try:
            if self._hosting is not None:
                self._leave(self._hosting)
                if self._listener is not None:
                    self._listener.stop(timeout=_SLACK)
                self._hosting.give_up(failure)
        finally:
            self._close_threads()
            if self._signals is not None and not self._signals.has_come:
                self._signals.restore()
            self._is_booting = False
            self._booted.set()
            self._stopped.set()
