"""The base classes of what users declare and implement: services and components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING

from service_core.declaring.health import Health

if TYPE_CHECKING:  # a module that only declares interfaces imports little
    from service_core.declaring.address import ChannelAddress

__all__ = ["AbstractComponent", "Component", "ComponentStatus", "Service"]


class Service(ABC):  # noqa: B024 - a tag: the abstract methods are those of the user's interface
    """The base of every service interface. Its public methods are what can be called."""


class ComponentStatus(Enum):
    """Where a component stands in its life."""

    VIRGIN = "virgin"
    """Made, not started."""
    RUNNING = "running"
    STOPPED = "stopped"


class Component(ABC):
    """The base of every component: services that are deployed together and share their channels."""

    @abstractmethod
    def startup(self) -> None:
        """Called once, after the port is bound and before calls are taken and the component is registered."""

    @abstractmethod
    def shutdown(self) -> None:
        """Called once after the component is deregistered and its calls in flight are done."""

    @abstractmethod
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        """The addresses under which this instance can be called; ``port`` is the server's port."""

    @abstractmethod
    def get_status(self) -> ComponentStatus:
        """Where the component stands in its life."""

    @abstractmethod
    async def get_health(self) -> Health:
        """How well the component is."""


class AbstractComponent(Component):
    """A component that keeps track of its status and is healthy as long as it runs.

    An implementation adds ``get_addresses``; whoever overrides ``startup`` or ``shutdown`` calls ``super()``.
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
        """Where the component stands in its life."""
        return self._status

    async def get_health(self) -> Health:
        """Healthy; override it to run checks."""
        return Health()
