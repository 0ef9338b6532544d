"""Where the implementations of this process come from: a container, or a list of ready objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from service_core.declaring.catalog import Catalog
from service_core.declaring.descriptors import ComponentDescriptor, ServiceDescriptor
from service_core.errors import DeclarationException

__all__ = ["GivenImplementations", "HostedService", "Implementations"]


class Implementations(Protocol):
    """Where the implementations of this process come from; a container's environment is one."""

    def provides(self, requested: Any, /) -> bool:
        """Whether there is an object of the type."""
        ...

    def get(self, requested: Any, /) -> Any:
        """The object of the type, always the same one."""
        ...


class GivenImplementations:
    """Implementations that were made by hand."""

    def __init__(self, objects: Iterable[object], catalog: Catalog) -> None:
        """Each implements one or several interfaces. Raises DeclarationException."""
        self._objects: dict[type, object] = {}
        for implementation in objects:
            interfaces = catalog.interfaces_of(type(implementation))
            if not interfaces:
                raise DeclarationException(
                    f"{type(implementation).__name__} implements nothing: none of its base classes is decorated "
                    f"with @service() or @component()"
                )
            for interface in interfaces:
                if interface in self._objects:
                    raise DeclarationException(f"{interface.__name__} is implemented by two of the given objects")
                self._objects[interface] = implementation

    def provides(self, requested: Any, /) -> bool:
        """Whether one of them implements the interface."""
        return requested in self._objects

    def get(self, requested: Any, /) -> Any:
        """The one that implements the interface. Raises KeyError if there is none."""
        return self._objects[requested]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedService:
    """A service that this process implements."""

    component: ComponentDescriptor
    service: ServiceDescriptor
    implementation: object
    inline: bool
    """Whether its ``def`` methods may run on the event loop."""
