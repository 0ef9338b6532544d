"""Where the implementations of this process come from: a container, or a list of ready objects."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from service_core.declaring.catalog import Catalog
from service_core.declaring.descriptors import ComponentDescriptor, ServiceDescriptor
from service_core.declaring.implementing import check_methods
from service_core.declaring.interfaces import Component, Service
from service_core.errors import DeclarationException


class Implementations(Protocol):
    """Where the implementations of this process come from; a container's environment is one."""

    def provides(self, requested: Any, /) -> bool:
        """Whether there is an object of the type."""
        ...

    def get(self, requested: Any, /) -> Any:
        """The object of the type: always the same one, or that of the current call if it is made per call."""
        ...

    def is_per_call(self, requested: Any, /) -> bool:
        """Whether there is one object of the type for each call."""
        del requested
        return False

    @property
    def has_request_scope(self) -> bool:
        """Whether calls need a request scope, since some object is made per call."""
        return False

    def request(self) -> AbstractContextManager[None]:
        """The scope of one served call; used once."""
        return nullcontext()

    def type_of(self, requested: Any, /) -> type:
        """The class of the object of the type."""
        ...


class GivenImplementations(Implementations):
    """Implementations that were made by hand. One of an interface is one of the interfaces that it extends, too."""

    def __init__(self, objects: Iterable[object], catalog: Catalog) -> None:
        """Each implements one or several interfaces. Raises DeclarationException."""
        self._objects: dict[type, object] = {}
        for implementation in objects:
            for interface in implemented_interfaces(implementation, catalog):
                if interface in self._objects:
                    raise DeclarationException(f"{interface.__name__} is implemented by two of the given objects")
                self._objects[interface] = implementation

    def provides(self, requested: Any, /) -> bool:
        """Whether one of them implements the interface, or one that extends it."""
        return bool(self._found(requested))

    def get(self, requested: Any, /) -> Any:
        """The one that implements the interface, or one that extends it.

        Raises KeyError if there is none, DeclarationException if several extend it and none is of it alone.
        """
        found = self._found(requested)
        if not found:
            raise KeyError(requested)
        if len(found) > 1:
            names = ", ".join(type(one).__name__ for one in found)
            raise DeclarationException(f"{requested.__name__} is implemented by several of the given objects: {names}")
        return found[0]

    def type_of(self, requested: Any, /) -> type:
        """The class of the one that implements the interface."""
        return type(self.get(requested))

    def _found(self, requested: Any) -> list[object]:
        if requested in self._objects:
            return [self._objects[requested]]
        found = [one for interface, one in self._objects.items() if issubclass(interface, requested)]
        return list({id(one): one for one in found}.values())


def implemented_interfaces(implementation: object, catalog: Catalog) -> list[type]:
    """The services and components that an object implements.

    Raises DeclarationException if there are none, if it is a class or a mock, or if a method differs from its
    interface.
    """
    if isinstance(implementation, type):
        raise DeclarationException(_no_object(implementation, catalog))
    interfaces = catalog.interfaces_of(type(implementation))
    if not interfaces:
        raise DeclarationException(_implements_nothing(implementation))
    for interface in interfaces:
        check_methods(type(implementation), interface)
    return interfaces


def _no_object(cls: type, catalog: Catalog) -> str:
    if catalog.interfaces_of(cls) or not issubclass(cls, Service | Component):
        return f"{cls.__name__} is a class; pass an object of it: {cls.__name__}()"
    return f"{cls.__name__} is an interface; pass an object of a class that implements it"


def _implements_nothing(implementation: object) -> str:
    cls = type(implementation)
    if issubclass(imitated := implementation.__class__, Service | Component) and imitated is not cls:
        return (
            f"a {cls.__name__} that imitates {imitated.__name__} has no methods to check; pass an object of a class "
            f"that derives from {imitated.__name__}"
        )
    undecorated = [base.__name__ for base in cls.__mro__[1:] if issubclass(base, Service) and base is not Service]
    hint = f"; decorate {undecorated[0]} with @service()" if undecorated else ""
    return (
        f"{cls.__name__} implements nothing: none of its base classes is decorated with @service() or "
        f"@component(){hint}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedService:
    """A service that this process implements."""

    component: ComponentDescriptor
    service: ServiceDescriptor
    implementation: object
    """The object whose methods are called; one of the interface that makes the real one for each call, if need be."""
    implementation_type: type
    """The class that implements the service."""
    inline: bool
    """Whether its ``def`` methods may run on the event loop."""
