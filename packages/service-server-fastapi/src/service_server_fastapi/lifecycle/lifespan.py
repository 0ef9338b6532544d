"""The lifespan of the application: around the components there is the user's own.

So what the user opens there is open as long as components run, whoever runs the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI

from service_core import Server
from service_core.dispatch import ThreadPool
from service_server_fastapi.endpoints.health import LIVE
from service_server_fastapi.lifecycle.signals import GracefulSignals
from service_server_fastapi.lifecycle.state import Hosting
from service_server_fastapi.lifecycle.wait_for_server import wait_until_answering
from service_server_fastapi.settings import ServerSettings

__all__ = ["Lifespan", "registered_elsewhere", "running"]

logger: Final = logging.getLogger("service.server")

_PATIENCE: Final = 30.0
"""Seconds that an ASGI server may take to answer after the application has started."""


class Lifespan:
    """Puts what must run for the components inside the lifespan of the user's application."""

    def __init__(self, app: FastAPI, inside: Callable[[], AbstractAsyncContextManager[None]], *, keeps: bool) -> None:
        """``keeps`` means that somebody will raise :attr:`failure`, so that a short message is enough for the log."""
        self._outside = app.router.lifespan_context
        self._inside = inside
        self._keeps = keeps
        self.failure: Exception | None = None
        """What ended the lifespan before its time."""
        app.router.lifespan_context = self.enter

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
            raise RuntimeError(f"the lifespan ended with {type(error).__name__}; it is raised by the server") from None


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
    hosting: Hosting, settings: ServerSettings, leave: Callable[[], None], steps: ThreadPool
) -> AsyncIterator[None]:
    """Register the components when the ASGI server answers, and call ``leave`` before it hears of a signal."""
    signals = GracefulSignals(leave, pass_on=True)
    signals.install()
    registering = asyncio.create_task(_register(hosting, settings, steps))
    try:
        yield
    finally:
        registering.cancel()
        await steps.run(leave, ())
        signals.restore()


async def _register(hosting: Hosting, settings: ServerSettings, steps: ThreadPool) -> None:
    host, port = settings.host, settings.port
    demands_certificate = settings.client_ca_file is not None  # which we do not have, so it will not let us ask
    if not await wait_until_answering(
        host,
        port,
        None if demands_certificate else LIVE,
        timeout=_PATIENCE,
        uses_tls=settings.uses_tls and not demands_certificate,
    ):
        logger.error(
            "nobody answers on %s:%d%s, so nothing is registered; give FastAPIServer(host=..., port=...) the address "
            "that your ASGI server listens on%s",
            host,
            port,
            *((" over TLS", ", and 'cert_file' only if that speaks TLS") if settings.uses_tls else ("", "")),
        )
        return
    try:
        await steps.run(hosting.register, (port,))
    except Exception:
        logger.exception("the components cannot be registered, so the server is never ready")
