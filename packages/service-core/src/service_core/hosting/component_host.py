"""The component host: starts, registers and stops the components that this process implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service_core.addresses import ChannelAddress, format_addresses
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import health_path
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.interfaces import Component
from service_core.errors import LocalServiceException
from service_core.hosting.hosted_services import Implementations
from service_core.hosting.server import Server, check_address
from service_core.registry.base import ComponentRegistry


class ComponentHost:
    """The components of one process. Its methods are called one after the other, by the server."""

    def __init__(self, registry: ComponentRegistry, implementations: Implementations, catalog: Catalog) -> None:
        self._registry = registry
        self._implementations = implementations
        self._catalog = catalog
        self._running: dict[ComponentDescriptor, Component] = {}
        self._offered: dict[ComponentDescriptor, Sequence[ChannelAddress]] = {}

    @property
    def running(self) -> Mapping[str, Component]:
        """The components that have been started, by name."""
        return {descriptor.name: component for descriptor, component in self._running.items()}

    @property
    def offered(self) -> Mapping[ComponentDescriptor, Sequence[ChannelAddress]]:
        """The components that are registered, with their addresses."""
        return dict(self._offered)

    def start(self, server: Server) -> None:
        """Start the components and route their health; nothing is registered yet.

        If one cannot be started, those before it are shut down again and the error is raised.
        """
        try:
            for interface in self._catalog.component_types():
                if self._implementations.provides(interface):
                    self._start(self._catalog.component(interface), server)
        except BaseException as failure:
            for another in self._shut_down():
                failure.add_note(f"then a component that was started already failed to shut down: {another!r}")
            raise

    def register(self, port: int) -> None:
        """Register the started components; the server must answer on ``port``. Raises LocalServiceException."""
        for descriptor, component in self._running.items():
            addresses = component.get_addresses(port)
            _check_addresses(descriptor, component, addresses)
            self._offered[descriptor] = addresses
            self._registry.register(descriptor, addresses, health=health_path(type(component)))

    def deregister(self) -> None:
        """Deregister the components, so that no new calls come.

        If one fails, the others are still deregistered; then the error is raised, or an ExceptionGroup of several.
        """
        errors: list[Exception] = []
        for descriptor in self._running:
            self._offered.pop(descriptor, None)
            try:
                self._registry.deregister(descriptor)
            except Exception as error:  # noqa: BLE001 - raised below, after the other components
                errors.append(error)
        _raise("components failed to deregister", errors)

    def shutdown(self) -> None:
        """Shut the components down, the last started first.

        If one raises, the others are still shut down; then the error is raised, or an ExceptionGroup of several.
        """
        _raise("components failed to shut down", self._shut_down())

    def report(self) -> Mapping[str, Any]:
        """Status, services, addresses and processes of the components by name, as JSON-like data.

        The processes are those that share the registration, as the workers on one port do.
        """
        return {
            descriptor.name: {
                "status": component.get_status().value,
                "services": [service.name for service in descriptor.services],
                "addresses": format_addresses(self._offered.get(descriptor, ())),
                "processes": list(self._registry.processes_of(descriptor)),
            }
            for descriptor, component in self._running.items()
        }

    def _start(self, descriptor: ComponentDescriptor, server: Server) -> None:
        self._check_services(descriptor)
        component: Component = self._implementations.get(descriptor.type)
        path = health_path(type(component))
        if path is not None:
            server.route_health(path, component.get_health)
        component.startup()
        self._running[descriptor] = component

    def _shut_down(self) -> list[Exception]:
        errors: list[Exception] = []
        while self._running:
            descriptor, component = self._running.popitem()
            try:
                component.shutdown()
            except Exception as error:  # noqa: BLE001 - the caller raises it, after the other components
                error.add_note(f"in shutdown() of component '{descriptor.name}'")
                errors.append(error)
        return errors

    def _check_services(self, descriptor: ComponentDescriptor) -> None:
        missing = [s.type.__name__ for s in descriptor.services if not self._implementations.provides(s.type)]
        if missing:
            raise LocalServiceException(
                f"component '{descriptor.name}' is implemented here but its services {', '.join(missing)} are not; "
                f"add a class with @implementation() for each to the packages of the module"
            )


def _raise(message: str, errors: list[Exception]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(message, errors)


def _check_addresses(descriptor: ComponentDescriptor, component: object, addresses: Any) -> None:
    where = f"{type(component).__name__}.get_addresses (component '{descriptor.name}')"
    if not isinstance(addresses, list) or not all(isinstance(address, ChannelAddress) for address in addresses):
        raise LocalServiceException(f"{where} must return a list of ChannelAddress, not {addresses!r}")
    for address in addresses:
        check_address(address.uri, where)
