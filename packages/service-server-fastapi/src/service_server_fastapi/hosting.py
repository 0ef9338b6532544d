"""A hosted environment from its start to its end, whoever runs the loop: the order in which things happen."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final

from service_core import Server, ServiceManager
from service_core.di import Environment

__all__ = ["Hosting", "HostingState"]

logger: Final = logging.getLogger("service.server")


class HostingState(Enum):
    """Where a server stands in its life."""

    STARTING = "starting"
    READY = "ready"
    """Registered, wants calls."""
    STOPPING = "stopping"
    """Finishes calls, wants no new ones."""
    STOPPED = "stopped"


class Hosting:
    """Start: components start, the server answers, they are registered. Stop: the other way round.

    Each step is taken once, whoever asks for it how often from which thread.
    """

    def __init__(self, environment: Environment, *, propagation_delay: float) -> None:
        self.environment = environment
        self.manager: ServiceManager = environment.get(ServiceManager)
        self._propagation_delay = propagation_delay
        self._lock = threading.RLock()
        self._state = HostingState.STARTING
        self._registered = False
        self._finished = False

    @property
    def state(self) -> HostingState:
        """Where the server stands in its life."""
        return self._state

    def start(self, server: Server) -> None:
        """Start the components. If one raises, nothing is left running and the error is raised."""
        self.manager.startup(server)

    def register(self, port: int) -> None:
        """Offer the components; the server answers on ``port``."""
        with self._lock:
            if self._state is not HostingState.STARTING:
                return  # stopped before it was up
            self._registered = True
            self.manager.register(port)
            self._state = HostingState.READY

    def leave(self) -> None:
        """Be not ready any more, deregister, and give clients time to hear of it."""
        with self._lock:
            if self._state in (HostingState.STOPPING, HostingState.STOPPED):
                return
            self._state = HostingState.STOPPING
            if not self._registered:
                return
            self.manager.deregister()
            if self.manager.component_registry.is_shared:
                time.sleep(self._propagation_delay)

    def finish(self) -> None:
        """Shut components down and destroy the environment.

        Every step is taken even if one raises; then the error is raised, or an ExceptionGroup of several.
        """
        with self._lock:
            if self._finished:
                return
            self._finished = True
            self._state = HostingState.STOPPED
            errors = [
                error
                for step in (self.manager.shutdown, self.environment.destroy)
                if (error := _failure(step)) is not None
            ]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("the server did not stop cleanly", errors)


def _failure(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as error:
        logger.exception("an error at the end of the server")
        return error
    return None
