"""Serving on a listener of its own: boot, wait and stop, by calls and by signals."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import threading
from typing import Final

from service_core import LocalServiceException
from service_core.di import Environment
from service_server_fastapi.application.assembly import Assembly
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.lifecycle.lifespan import Lifespan
from service_server_fastapi.lifecycle.signals import GracefulSignals
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind_as
from service_server_fastapi.listening.tls import server_tls
from service_server_fastapi.requests.request_context import RequestContext
from service_server_fastapi.serving.server_parts import ServerParts

logger: Final = logging.getLogger("service.server")

_SLACK: Final = 5.0
"""Seconds that the event loop may take to end after everything on it has ended."""


class OwnListener:
    """Serves in a background thread, once. The methods may be called by any thread."""

    def __init__(self, parts: ServerParts) -> None:
        self._parts = parts
        self._listener: Listener | None = None
        self._lifespan: Lifespan | None = None
        self._signals: GracefulSignals | None = None
        self._process = os.getpid()
        self._is_booting = self._is_stop_wanted = False
        self._booted = threading.Event()  # boot() has returned or raised
        self._stopping = threading.Lock()
        self._stopped = threading.Event()
        self._failure: BaseException | None = None

    def boot(self, module: type, *, passes_signals_on: bool) -> Environment:
        """Serve; see :meth:`FastAPIServer.boot`.

        With ``passes_signals_on`` the previous handlers get a signal after the stop.
        """
        parts = self._parts
        tls = server_tls(parts.settings)
        bound, file = bind_as(parts.settings)
        self._process, self._is_booting = os.getpid(), True
        try:
            parts.address.bind(bound.getsockname()[1] if file is None else 0)
            hosting, assembly = parts.assemble(module)
            self._check_wanted()
            self._listen(Listener(assembly.bypass, bound, parts.settings, tls, file=file), hosting, assembly)
            self._check_wanted()
            self._signals = GracefulSignals(self._stop_by_signal, pass_on=passes_signals_on)
            self._signals.install()
            hosting.register(parts.address.value.port)
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
        logger.info("serving on %s", parts.address.url)
        return hosting.environment

    def wait(self) -> None:
        """Return when the server has stopped; see :meth:`FastAPIServer.wait`."""
        if self._signals is not None:
            self._signals.pass_on = False
        while not self._stopped.wait(1.0):  # a signal that arrives just before a wait begins is noticed after it
            pass
        if self._signals is not None:
            self._signals.restore()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop, and return when it has stopped; see :meth:`FastAPIServer.stop`."""
        hosting, listener = self._parts.hosting, self._listener
        if os.getpid() != self._process:
            return
        if self._is_booting and self._refuse_to_boot():
            return
        if hosting is None or listener is None:
            return
        if _is_inside(hosting, listener):
            stop = threading.Thread(target=self._stop_once, args=(hosting, listener), name="service-stop", daemon=True)
            stop.start()
            return
        self._stop_once(hosting, listener)

    def _listen(self, listener: Listener, hosting: Hosting, assembly: Assembly) -> None:
        inside = functools.partial(self._parts.running, hosting, assembly)
        lifespan = self._lifespan = Lifespan(assembly.application.lifespan, inside, keeps=True)
        self._listener = listener
        try:
            listener.start()
        except LocalServiceException:
            if lifespan.failure is None:
                raise
            raise lifespan.failure from None

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
        parts, settings = self._parts, self._parts.settings
        parts.leave(hosting)
        if not listener.stop(timeout=settings.drain_timeout + settings.shutdown_timeout + _SLACK):
            logger.error("the event loop did not end in time: something on it blocks or cannot be cancelled")
        parts.close_threads()
        try:
            hosting.finish()
        finally:
            if self._lifespan is not None and self._lifespan.failure is not None:
                raise self._lifespan.failure

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
        parts = self._parts
        try:
            if parts.hosting is not None:
                parts.leave(parts.hosting)
                if self._listener is not None:
                    self._listener.stop(timeout=_SLACK)
                parts.hosting.give_up(failure)
        finally:
            parts.close_threads()
            if self._signals is not None and not self._signals.has_come:
                self._signals.restore()
            self._is_booting = False
            self._booted.set()
            self._stopped.set()


def _is_inside(hosting: Hosting, listener: Listener) -> bool:
    """Whether the caller is a part of what would have to end."""
    return RequestContext.is_active() or listener.is_own_thread() or hosting.is_shutting_down_here()
