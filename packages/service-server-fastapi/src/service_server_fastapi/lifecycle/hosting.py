"""A hosted environment from its start to its end, with any loop: the order of the steps."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final

from service_core import LocalServiceException, Server, ServiceManager
from service_core.addresses import format_addresses
from service_core.di import Environment
from service_core.hosting import ComponentHost, ServerAddress
from service_core.process import call_in_child
from service_server_fastapi.lifecycle.declaration_checks import address_findings, known_channels
from service_server_fastapi.lifecycle.systemd import notify
from service_server_fastapi.settings import SHARED_PROPAGATION_DELAY, ServerSettings

logger: Final = logging.getLogger("service.server")


class HostingState(Enum):
    """The states of a server."""

    STARTING = "starting"
    READY = "ready"
    """Registered, accepts calls."""
    STOPPING = "stopping"
    """Finishes calls, accepts no new ones."""
    STOPPED = "stopped"


class Hosting:
    """Start: components start, the server answers, they are registered. Stop: the other way round.

    Each step runs once, for any number of requests from any thread; later callers wait for its end.
    """

    def __init__(self, environment: Environment, settings: ServerSettings, address: ServerAddress) -> None:
        """``address`` is the one that components read as ``Server.port`` and the like."""
        self.environment = environment
        self.manager: ServiceManager = environment.get(ServiceManager)
        self.host = ComponentHost(self.manager.component_registry, environment, environment.catalog)
        self._address = address
        self._settings = settings
        self._lock = threading.Lock()
        self._state = HostingState.STARTING
        self.is_stopping = False
        """Whether no new calls are accepted any more."""
        self.has_left = False
        """Whether the components have been deregistered."""
        self._registered = False
        self._errors: list[Exception] = []
        self._failure: Exception | None = None
        self._is_shutting_down = False
        self._shut_down = threading.Event()
        self._shutdown_thread: int | None = None
        self._is_inherited = False
        call_in_child(self._become_inherited)

    @property
    def state(self) -> HostingState:
        """The state of the server."""
        return self._state

    def start(self, server: Server) -> None:
        """Start the components. If one raises, those before it are shut down and the error is raised."""
        with Server.booting(self._address):
            self.host.start(server)

    def register(self, port: int) -> None:
        """Register the components; the server answers on ``port``.

        Nothing is registered if the server was stopped before.
        """
        with self._lock:
            if self._state is not HostingState.STARTING:
                return
            self._registered = True  # even if it fails half-way, the registrations made must be removed
            with Server.booting(dataclasses.replace(self._address, port=port)):
                self.host.register(port)
            self._log_offer()
            if self.is_stopping:
                return
            self._state = HostingState.READY
        notify("READY=1")

    def leave(self) -> None:
        """Become not ready, deregister, and wait until clients have received the change.

        An error of the registry does not prevent the other steps; :meth:`finish` raises it. In a forked child nothing
        happens: the registrations and components are those of its parent.
        """
        if self._is_inherited:
            return
        if self._state is not HostingState.STOPPED:
            # Seen at once, though a registration may still be under way.
            self._state, self.is_stopping = HostingState.STOPPING, True
        with self._lock:
            if not self._registered:
                return
            self._registered = False
            notify("STOPPING=1")
            self._attempt(self.host.deregister)
            self.has_left = True
            time.sleep(self._propagation_delay())

    def finish(self) -> None:
        """Shut components down and destroy the environment.

        Every step runs even if one raises; then the error is raised, or an ExceptionGroup of several. Raises
        LocalServiceException after ``shutdown_timeout`` seconds. In a forked child nothing happens.
        """
        if self._is_inherited:
            return
        with self._lock:
            is_first, self._is_shutting_down = not self._is_shutting_down, True
            self._state, self.is_stopping = HostingState.STOPPED, True
        if is_first:
            _run_in_thread(self._end)
        if not self._shut_down.wait(self._settings.shutdown_timeout):
            raise LocalServiceException(
                f"the components did not shut down within {self._settings.shutdown_timeout:g} s; see which shutdown() "
                f"or @on_destroy() method takes so long, or set shutdown_timeout"
            )
        if self._failure is not None:
            raise self._failure

    def give_up(self, failure: BaseException) -> None:
        """End it because of a failure, to which further errors are added as notes."""
        try:
            self.finish()
        except Exception as another:  # noqa: BLE001 - the first failure is raised
            if another is not failure:
                failure.add_note(f"then what was started already failed to end: {another!r}")

    def is_shutting_down_here(self) -> bool:
        """Whether the caller is itself being shut down."""
        return threading.get_ident() == self._shutdown_thread

    def _propagation_delay(self) -> float:
        delay = self._settings.propagation_delay
        if delay is not None:
            return delay
        return SHARED_PROPAGATION_DELAY if self.manager.component_registry.is_shared else 0.0

    def _become_inherited(self) -> None:
        self._is_inherited = True

    def _end(self) -> None:
        self._shutdown_thread = threading.get_ident()
        self._attempt(self.host.shutdown)
        self._attempt(self.environment.destroy)
        if self._errors:
            several = ExceptionGroup("the server did not stop cleanly", self._errors)
            self._failure = several if len(self._errors) > 1 else self._errors[0]
        self._shutdown_thread = None
        self._shut_down.set()

    def _log_offer(self) -> None:
        """Log the addresses of each component, and usual mistakes in its declaration."""
        catalog = self.environment.catalog
        for component, addresses in self.host.offered.items():
            services = ", ".join(service.name for service in component.services)
            logger.info("component %s with %s at %s", component.name, services, format_addresses(addresses))
            for finding in address_findings(component, addresses, known_channels(catalog.channels())):
                logger.warning(finding)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - raised by finish(), after the other steps
            self._errors.append(error)


def _run_in_thread(target: Callable[[], None]) -> None:
    """Run it without a wait for its end; at once if no thread can be started any more."""
    try:
        threading.Thread(target=target, name="service-shutdown", daemon=True).start()
    except RuntimeError:  # Python is ending
        target()
