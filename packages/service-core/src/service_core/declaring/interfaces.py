"""The base classes of services and components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a module that only declares interfaces imports little
    from service_core.addresses import ChannelAddress
    from service_core.declaring.health import Health


class Service(ABC):  # noqa: B024 - a marker: the abstract methods are those of the user's interface
    """The base of every service interface. Its public methods can be called."""


class ComponentStatus(Enum):
    """The state of a component in its life cycle."""

    VIRGIN = "virgin"
    """Created, not started."""
    RUNNING = "running"
    STOPPED = "stopped"


class Component(ABC):
    """The base of every component: services that are deployed together and share their channels."""

    @abstractmethod
    def startup(self) -> None:
        """Called once, after the port is bound and before calls are accepted and the component is registered."""

    @abstractmethod
    def shutdown(self) -> None:
        """Called once after the component is deregistered and its calls in flight have ended."""

    @abstractmethod
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        """The addresses at which this instance can be called; ``port`` is the server's port."""

    @abstractmethod
    def get_status(self) -> ComponentStatus:
        """The state of the component in its life cycle."""

    @abstractmethod
    async def get_health(self) -> Health:
        """The health of the component."""


class AbstractComponent(Component):
    """A component that tracks its status and is healthy as long as it runs.

    An implementation adds ``get_addresses``; an override of ``startup`` or ``shutdown`` calls ``super()``.
    """

    def __init__(self) -> None:
        self._status = ComponentStatus.VIRGIN

    def startup(self) -> None:
        """Mark the component as running."""
        self._status = ComponentStatus.RUNNING

    def shutdown(self) -> None:
        """Mark the component as stopped."""
        self._status = ComponentStatus.STOPPED

    def get_status(self) -> ComponentStatus:
        """The state of the component in its life cycle."""
        return self._status

    async def get_health(self) -> Health:
        """Healthy; override it to run checks."""
        from service_core.declaring.health import Health  # a module that only declares interfaces does not need it

        return Health()
