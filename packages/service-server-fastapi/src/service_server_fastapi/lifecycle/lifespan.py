"""The lifespan of the application: the user's own is around that of the components.

So a resource that the user opens there is open as long as components run, under every ASGI server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from service_core import Server
from service_core.dispatch import ThreadPool
from service_core.hosting import WILDCARDS
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.lifecycle.listening_ports import listening_ports
from service_server_fastapi.lifecycle.missing_lifespan import ObservedPort
from service_server_fastapi.lifecycle.signals import GracefulSignals
from service_server_fastapi.lifecycle.wait_for_server import wait_until_answering
from service_server_fastapi.paths import LIVE
from service_server_fastapi.settings import ServerSettings

logger: Final = logging.getLogger("service.server")

RAISED_BY_SERVER: Final = "it is raised by the server"
"""Part of the text of an error whose cause ``boot`` or ``stop`` raises, so that a log need not repeat it."""

_UNUSUAL: Final = 5.0
"""Seconds without an answer of the ASGI server after the start of the application, after which a warning is logged."""

_ONLY_LOCAL: Final = (
    "the ASGI server answers on 127.0.0.1:%d and not on %s:%d, the address that callers get; let it listen on all "
    "addresses (uvicorn --host 0.0.0.0), or set SERVICE_SERVER_HOST to the host that it listens on"
)

_ANOTHER_SERVER: Final = (
    "port %d is registered, on which another process answers: this process listens on %s; unless that is a proxy for "
    "it, set SERVICE_SERVER_PORT, which is %d, to the port of your ASGI server"
)


class HasLifespan(Protocol):
    """Where the lifespan of an ASGI application is replaced."""

    lifespan_context: Any
    """Returns the context manager of the lifespan for an application."""


class Lifespan:
    """Runs the components inside the lifespan of the user's application."""

    def __init__(
        self, app: HasLifespan, inside: Callable[[], AbstractAsyncContextManager[Any]], *, keeps: bool
    ) -> None:
        """``keeps`` means that the caller raises :attr:`failure`, so that a short message is enough for the log."""
        self._outside = app.lifespan_context
        self._inside = inside
        self._keeps = keeps
        self.failure: Exception | None = None
        """The error that ended the lifespan early."""
        app.lifespan_context = self.enter

    @contextlib.asynccontextmanager
    async def enter(self, app: Any) -> AsyncIterator[Any]:
        """The lifespan that an ASGI server sees."""
        try:
            async with self._outside(app) as state, self._inside():
                yield state
        except Exception as error:
            if not self._keeps:
                raise
            self.failure = error
            raise RuntimeError(f"the lifespan ended with {type(error).__name__}; {RAISED_BY_SERVER}") from None


@contextlib.asynccontextmanager
async def running(hosting: Hosting, server: Server, steps: ThreadPool) -> AsyncIterator[None]:
    """Start the components; at the end, when requests have finished, shut them down. Not if the start fails.

    Both happen in a thread of ``steps``, so they may block and may run event loops of their own.
    """
    await steps.run(hosting.start, (server,))
    try:
        yield
    finally:
        await steps.run(hosting.finish, ())


@contextlib.asynccontextmanager
async def registered_elsewhere(
    register: Callable[[int], None],
    leave: Callable[[], None],
    *,
    is_idle: Callable[[], bool],
    settings: ServerSettings,
    path: str,
    observed: ObservedPort,
    steps: ThreadPool,
) -> AsyncIterator[None]:
    """Call ``register`` with the port when the ASGI server answers, and ``leave`` before it handles a signal.

    ``is_idle`` returns whether no call is in flight. ``path`` is the prefix under which the application is mounted, or
    empty.
    """
    signals = GracefulSignals(leave, pass_on=True, is_idle=is_idle)
    signals.install()
    registering = asyncio.create_task(_register(register, settings, path, observed, steps))
    try:
        yield
    finally:
        registering.cancel()
        await steps.run(leave, ())
        signals.restore()


def _unanswered(settings: ServerSettings) -> str:
    result = "so nothing is registered and the server is not ready"
    if settings.uds is not None:
        return (
            f"no server answers on the Unix socket {settings.uds}, {result}; give FastAPIServer(uds=...) or "
            f"SERVICE_SERVER_UDS the one that your ASGI server listens on"
        )
    over, and_tls = (" over TLS", ", and 'cert_file' only if that uses TLS") if settings.uses_tls else ("", "")
    return (
        f"no server answers on {settings.host}:{settings.port}{over}, {result}; give FastAPIServer(host=..., port=...) "
        f"or SERVICE_SERVER_HOST and SERVICE_SERVER_PORT the address that your ASGI server listens on{and_tls}"
    )


def _outside_host(settings: ServerSettings) -> str | None:
    """The address that stands for all addresses of the machine in what callers get; None if the host is another."""
    return Server.get_local_ip() if settings.uds is None and settings.host in WILDCARDS else None


async def _register(
    register: Callable[[int], None], settings: ServerSettings, path: str, observed: ObservedPort, steps: ThreadPool
) -> None:
    requires_certificate = settings.client_ca_file is not None  # this process has none, so it cannot send a request
    answers_at = functools.partial(
        wait_until_answering,
        path=None if requires_certificate else path + LIVE,
        uses_tls=settings.uses_tls and not requires_certificate,
        uds=settings.uds,
    )
    answers = functools.partial(answers_at, settings.host)
    port = settings.port
    if not await answers(port, timeout=_UNUSUAL):
        logger.warning(_unanswered(settings))
        while not await answers(port, timeout=1.0, interval=0.5):
            port = observed.port if port == settings.port and observed.port else settings.port
    if port != settings.port and settings.uds is None:
        logger.warning("requests arrive on port %d, not on %d: registering port %d", port, settings.port, port)
    own = listening_ports()
    if settings.uds is None and own and port not in own:
        logger.warning(_ANOTHER_SERVER, port, ", ".join(map(str, sorted(own))), port)
    host = _outside_host(settings)
    if host is not None and not await answers_at(host, port, timeout=1.0):
        logger.warning(_ONLY_LOCAL, port, host, port)
    try:
        await steps.run(register, (port if settings.uds is None else 0,))
    except Exception:
        logger.exception("the components cannot be registered, so the server is never ready")
