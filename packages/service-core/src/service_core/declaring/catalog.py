"""The declarations of this process: the only process-wide state.

Decorators add to a catalog, containers and managers read it. :data:`default_catalog` is used by default; tests that
declare the same names again pass a :class:`Catalog` of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from service_core.declaring.descriptors import FORWARD_TOKEN, POLICY, ComponentDescriptor, ServiceDescriptor
from service_core.declaring.inspection import check_shape, describe_service
from service_core.declaring.interfaces import Component
from service_core.declaring.names import Declaration, check_channel_name, check_free, location, same_class, valid_name
from service_core.errors import DeclarationException

Scope = Literal["singleton", "request"]

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Injectable:
    """How a container creates objects of a declared class."""

    scope: Scope = "singleton"
    """One object for the whole environment, or one for each served call."""
    eager: bool = True
    """Whether a singleton is created when the environment starts, rather than on first use."""


class Catalog:
    """A set of declarations. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._services: dict[type, Declaration] = {}
        self._components: dict[type, Declaration] = {}
        self._component_of: dict[type, type] = {}
        self._implicit: dict[type, type] = {}
        self._service_descriptors: dict[type, ServiceDescriptor] = {}
        self._component_descriptors: dict[type, ComponentDescriptor] = {}
        self._injectables: dict[type, Injectable] = {}
        self._inline: set[type] = set()
        self._channels: dict[str, type] = {}
        self._advices: dict[type, None] = {}

    # used by decorators

    def add_service(self, interface: type, name: str = "", description: str = "") -> None:
        """Declare a service interface. Raises DeclarationException."""
        check_shape(interface)
        with self._lock:
            declaration = Declaration(valid_name(interface, name), description)
            self._add_named(self._services, interface, declaration, "service")

    def add_component(self, interface: type, services: Sequence[type], name: str = "", description: str = "") -> None:
        """Declare a component and the services that belong to it. Raises DeclarationException."""
        with self._lock:
            for service in services:
                if service not in self._services:
                    raise DeclarationException(
                        f"component {interface.__name__}: {service!r} is not a service; "
                        f"decorate that class with @service() first"
                    )
                owner = self._component_of.get(service)
                if owner is not None and not same_class(owner, interface):
                    raise DeclarationException(
                        f"component {interface.__name__}: service {service.__name__} belongs to component "
                        f"{owner.__name__} already; a service has one component"
                    )
            declaration = Declaration(valid_name(interface, name), description, tuple(services))
            self._check_not_used_alone(interface, services)
            self._add_named(self._components, interface, declaration, "component")
            for service in services:
                self._component_of[service] = interface

    def add_implementation(self, cls: type, *, inline: bool = False, scope: Scope = "singleton") -> None:
        """Declare a class that implements services or a component. Raises DeclarationException."""
        with self._lock:
            if not self.interfaces_of(cls):
                raise DeclarationException(
                    f"implementation {cls.__name__} implements nothing: none of its base classes is decorated "
                    f"with @service() or @component()"
                )
            self._declare(self._injectables, cls, Injectable(scope=scope))
            if inline:
                self._inline.add(cls)

    def add_channel(self, name: str, cls: type) -> None:
        """Declare a channel class. Raises DeclarationException."""
        check_channel_name(name, cls)
        with self._lock:
            other = self._channels.get(name)
            if other is not None and not same_class(other, cls):
                raise DeclarationException(
                    f"channel '{name}' is {location(other)} already; give {location(cls)} another name"
                )
            self._channels[name] = cls

    def add_injectable(self, cls: type, injectable: Injectable) -> None:
        """Declare a class whose objects a container creates."""
        with self._lock:
            self._declare(self._injectables, cls, injectable)

    def add_advice(self, cls: type) -> None:
        """Declare a class whose methods advise those of other objects from containers."""
        with self._lock:
            self._declare(self._advices, cls, None)

    # read by containers and managers

    def service(self, interface: type) -> ServiceDescriptor:
        """The descriptor of a service interface, built on first use. Raises DeclarationException."""
        found = self._service_descriptors.get(interface)
        if found is not None:
            return found
        with self._lock:
            declaration = self._services.get(interface)
            if declaration is None:
                if names := " or ".join(each.__name__ for each in self.interfaces_of(interface)):
                    raise DeclarationException(f"{location(interface)} implements a service interface; write {names}")
                raise DeclarationException(
                    f"{location(interface)} is not a service interface; decorate it with @service() and request the "
                    f"interface, not its implementation"
                )
            built = describe_service(interface, declaration.name, declaration.description)
            return self._service_descriptors.setdefault(interface, built)

    def component(self, interface: type) -> ComponentDescriptor:
        """The descriptor of a component with those of its services. Raises DeclarationException."""
        found = self._component_descriptors.get(interface)
        if found is not None:
            return found
        with self._lock:
            declaration = self._components.get(interface)
            if declaration is None:
                raise DeclarationException(
                    f"{location(interface)} is not a component; decorate it with @component(services=[...])"
                )
            built = ComponentDescriptor(
                name=declaration.name,
                type=interface,
                description=declaration.description,
                services=tuple(self.service(service) for service in declaration.services),
                policy=vars(interface).get(POLICY),
                forward_token=vars(interface).get(FORWARD_TOKEN, False),
            )
            return self._component_descriptors.setdefault(interface, built)

    def component_of(self, service: type) -> ComponentDescriptor:
        """The component that a service belongs to. Raises DeclarationException.

        A service that no ``@component`` names is a component of its own, with the service's name. It is created on
        first use; a ``@component`` that names the service later is refused.
        """
        owner = self._component_of.get(service) or self._implicit.get(service) or self._implicit_component(service)
        return self.component(owner)

    def component_types(self) -> list[type]:
        """The interfaces of all declared components, without descriptors: a wrong one does not affect others."""
        return list(self._components)

    def bundled_services(self) -> list[type]:
        """The interfaces of all services that belong to a component, in the order of the components."""
        return [service for declaration in list(self._components.values()) for service in declaration.services]

    def interfaces_of(self, cls: type) -> list[type]:
        """The services and components that a class implements, without those that they inherit from."""
        declared = [
            base for base in cls.__mro__ if base is not cls and (base in self._services or base in self._components)
        ]
        return [
            base for base in declared if not any(base is not other and issubclass(other, base) for other in declared)
        ]

    def is_inline(self, cls: type) -> bool:
        """Whether the sync methods of an implementation may run on the event loop."""
        return any(base in self._inline for base in cls.__mro__)

    def channels(self) -> dict[str, type]:
        """All channel classes that were declared in code, by name."""
        return dict(self._channels)

    def injectables(self) -> dict[type, Injectable]:
        """All classes whose objects containers create."""
        return dict(self._injectables)

    def advices(self) -> list[type]:
        """All advice classes, in the order of their declaration."""
        return list(self._advices)

    def _implicit_component(self, service: type) -> type:
        name = self.service(service).name
        with self._lock:
            made = self._implicit.get(service) or self._component_of.get(service)
            if made is None:
                members = {"__module__": service.__module__, "__doc__": f"The component of {service.__name__} alone."}
                made = type(f"{service.__name__}Component", (Component,), members)
                made.__qualname__ = f"{service.__qualname__}Component"
                self._add_named(self._components, made, Declaration(name, "", (service,)), "component")
                self._implicit[service] = made
            return made

    def _check_not_used_alone(self, interface: type, services: Sequence[type]) -> None:
        for service in services:
            if service in self._implicit:
                raise DeclarationException(
                    f"component {interface.__name__}: service {service.__name__} has been used already as a component "
                    f"of its own, named '{self.service(service).name}'; import the module that declares "
                    f"{interface.__name__} before the service is first hosted or called"
                )

    def _add_named(self, declared: dict[type, Declaration], cls: type, declaration: Declaration, what: str) -> None:
        check_free(declaration.name, cls, declared, what)
        self._declare(declared, cls, declaration)

    def _declare(self, declared: dict[type, V], cls: type, value: V) -> None:
        for other in [other for other in declared if other is not cls and same_class(other, cls)]:
            self._forget(other)  # the module was loaded again
        declared[cls] = value

    def _forget(self, cls: type) -> None:
        tables: list[dict[type, Any]] = [
            self._services,
            self._components,
            self._component_of,
            self._implicit,
            self._service_descriptors,
            self._component_descriptors,
            self._injectables,
            self._advices,
        ]
        for table in tables:
            table.pop(cls, None)
        for service in [service for service, owner in self._component_of.items() if owner is cls]:
            del self._component_of[service]


default_catalog: Final = Catalog()
"""The catalog that decorators add to, and the default of managers."""
