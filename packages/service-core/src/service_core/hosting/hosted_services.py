"""Where the implementations of this process come from: a container, or a list of ready objects."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
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
        """The object of the type: always the same one, or that of the current call if it is made per call."""
        ...

    def is_per_call(self, requested: Any, /) -> bool:
        """Whether there is one object of the type for each call."""
        ...

    @property
    def has_request_scope(self) -> bool:
        """Whether calls need a request scope, since some object is made per call."""
        ...

    def request(self) -> AbstractContextManager[None]:
        """The scope of one served call; used once."""
        ...

    def type_of(self, requested: Any, /) -> type:
        """The class of the object of the type."""
        ...


class GivenImplementations:
    """Implementations that were made by hand. One of an interface is one of the interfaces that it extends, too."""

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

    def is_per_call(self, requested: Any, /) -> bool:
        """Never: the objects are given."""
        del requested
        return False

    @property
    def has_request_scope(self) -> bool:
        """Never: the objects are given."""
        return False

    def request(self) -> AbstractContextManager[None]:
        """A scope without objects."""
        return nullcontext()

    def type_of(self, requested: Any, /) -> type:
        """The class of the one that implements the interface."""
        return type(self.get(requested))

    def _found(self, requested: Any) -> list[object]:
        if requested in self._objects:
            return [self._objects[requested]]
        found = [one for interface, one in self._objects.items() if issubclass(interface, requested)]
        return list({id(one): one for one in found}.values())


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
