"""``@inject_service``: an object of the container gets a service when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from service_core.di import Environment, injection
from service_core.errors import DeclarationException
from service_core.manager import ServiceManager

__all__ = ["inject_service"]

F = TypeVar("F", bound=Callable[..., Any])


class _ServiceInjection:
    """Gives a method one service for every parameter."""

    def __init__(self, preferred_channel: str) -> None:
        self._preferred_channel = preferred_channel

    def arguments(self, environment: Environment, parameter_types: list[Any]) -> list[Any]:
        if not parameter_types:
            raise DeclarationException("@inject_service() needs a method with a parameter of a service's type")
        manager = environment.get(ServiceManager)
        return [manager.get_service(wanted, self._preferred_channel) for wanted in parameter_types]


def inject_service(preferred_channel: str = "") -> Callable[[F], F]:
    """Call the method with the services that its parameters are typed with, when the container makes the object."""
    return injection(_ServiceInjection(preferred_channel))
