"""``@inject_service``: an object of the container gets a service when it is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from service_core.calling.service_manager import ServiceManager
from service_core.di import Environment, injection
from service_core.errors import DeclarationException

__all__ = ["inject_service"]

F = TypeVar("F", bound=Callable[..., Any])


class _ServiceInjection:
    """Gives a method one service for every parameter."""

    def __init__(self, preferred_channel: str) -> None:
        self._preferred_channel = preferred_channel

    def arguments(self, environment: Environment, parameter_types: list[Any]) -> list[Any]:
        manager = environment.get(ServiceManager)
        return [manager.get_service(wanted, self._preferred_channel) for wanted in parameter_types]


@overload
def inject_service(method: F, /) -> F: ...
@overload
def inject_service(preferred_channel: str = "") -> Callable[[F], F]: ...
def inject_service(preferred_channel: Any = "") -> Any:
    """Call the method with the services that its parameters are typed with, when the container creates the object."""
    if callable(preferred_channel):
        return inject_service()(preferred_channel)

    def declare(method: F) -> F:
        if len(inspect.signature(method).parameters) < 2:
            raise DeclarationException(
                f"@inject_service() on {method.__qualname__}: give it a parameter with the type of a service"
            )
        return injection(_ServiceInjection(preferred_channel))(method)

    return declare
