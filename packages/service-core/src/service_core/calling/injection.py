"""``@inject_service``: an object of the container gets a service when it is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from service_core.calling.service_manager import ServiceManager
from service_core.di import Environment, injection
from service_core.errors import DeclarationException

F = TypeVar("F", bound=Callable[..., Any])


@overload
def inject_service(method: F, /) -> F: ...
@overload
def inject_service(preferred_channel: str = "") -> Callable[[F], F]: ...
def inject_service(preferred_channel: Any = "") -> Any:
    """Call the method with the services that its parameters are typed with, when the container creates the object."""
    if callable(preferred_channel):
        return inject_service()(preferred_channel)

    def services(environment: Environment, types: list[Any]) -> list[Any]:
        manager = environment.get(ServiceManager)
        return [manager.get_service(wanted, preferred_channel) for wanted in types]

    def declare(method: F) -> F:
        if inspect.isclass(method):
            raise DeclarationException(
                f"@inject_service({method.__name__}): it takes no type; write '@inject_service()' on a method with a "
                f"parameter of that type"
            )
        if method.__name__ == "__init__":
            raise DeclarationException(
                f"@inject_service() on {method.__qualname__}: the object is made by then; decorate another method, "
                f"which the container calls afterwards"
            )
        if len(inspect.signature(method).parameters) < 2:
            raise DeclarationException(
                f"@inject_service() on {method.__qualname__}: give it a parameter with the type of a service"
            )
        return injection(services)(method)

    return declare
