"""The service manager: gives out services, and starts and stops the components of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from types import MappingProxyType
from typing import Any, Self, TypeVar, cast

from typing_extensions import TypeForm

from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.local import LOCAL
from service_core.calling.proxy import DynamicProxy
from service_core.calling.router import Router
from service_core.declaring.address import ChannelAddress, format_addresses
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.decorators import health_path
from service_core.declaring.descriptors import ComponentDescriptor, ServiceDescriptor
from service_core.declaring.interfaces import Component
from service_core.declaring.policy import Policy
from service_core.errors import DeclarationException, LocalServiceException
from service_core.hosting.hosted_services import GivenImplementations, HostedService, Implementations
from service_core.hosting.server import Server, check_scheme
from service_core.registry.base import ComponentRegistry, Snapshot
from service_core.resilience.events import CallObserver
from service_core.resilience.policies import Policies

__all__ = ["ServiceManager"]

T = TypeVar("T")


class ServiceManager:
    """Gives out services: the implementation itself where this process has one, else a proxy.

    Safe to use from several threads and event loops. It uses its registry alone, and :meth:`close` closes both.
    """

    def __init__(
        self,
        component_registry: ComponentRegistry,
        channel_factory: ChannelFactory | None = None,
        *,
        implementations: Implementations | Iterable[object] = (),
        preferred_channel: str = "",
        policy: Policy | None = None,
        policies: Mapping[type, Policy] = MappingProxyType({}),
        observers: Sequence[CallObserver] = (),
        catalog: Catalog = default_catalog,
    ) -> None:
        """``implementations`` are the objects of this process that implement services and components.

        ``policy`` says how much is done for a call to succeed, ``policies`` says it for single components, by their
        interface. ``observers`` are told what happens to calls. Raises DeclarationException if one of those is no
        component.
        """
        self.component_registry = component_registry
        self.channel_factory = channel_factory or ChannelFactory(catalog=catalog)
        self._catalog = catalog
        self._implementations: Implementations = (
            GivenImplementations(implementations, catalog) if isinstance(implementations, Iterable) else implementations
        )
        self._preferred_channel = preferred_channel
        self._policy = policy
        for kind, own in policies.items():
            _check_policy(kind, own, catalog)
        self._policies = policies
        self._observers = observers
        self._lock = threading.RLock()
        self._services: dict[tuple[Any, str], Any] = {}
        self._channels: dict[type, ComponentChannels] = {}
        self._routers: dict[tuple[type, str], Router] = {}
        self._running: list[tuple[ComponentDescriptor, Component]] = []
        self._offered: dict[ComponentDescriptor, list[ChannelAddress]] = {}
        self._closed = False
        component_registry.start()

    # services

    def get_service(self, service_type: TypeForm[T], preferred_channel: str = "") -> T:
        """The service of that interface.

        Without a preferred channel it is the implementation, if this process has one, else a proxy over the first
        channel that is offered. A preferred one is used whenever somebody offers it, and replaced meanwhile. Nothing
        is waited for: a proxy can be had before anybody offers the service. Raises DeclarationException if the type
        is no service, ChannelNotInstalledException if no package has the channel.
        """
        try:
            service: T = self._services[service_type, preferred_channel]
        except KeyError:
            service = self._make_service(cast(type, service_type), preferred_channel)
        return service

    def set_preferred_channel(self, preferred_channel: str) -> None:
        """The channel for services that are asked for without one; ``""`` for none. Given out ones stay as they are."""
        with self._lock:
            self._preferred_channel = preferred_channel
            self._services.clear()

    def get_descriptor(self, service_type: type) -> ServiceDescriptor:
        """The descriptor of a service interface. Raises DeclarationException."""
        return self._catalog.service(service_type)

    def wait_for(self, requested: type, timeout: float = 10.0, *, channel: str = "") -> Snapshot:
        """Wait until somebody offers the service or component, over ``channel`` if one is named.

        Blocks the thread; in an async program call it with ``asyncio.to_thread``. Raises
        ComponentUnavailableException after ``timeout`` seconds.
        """
        is_component = issubclass(requested, Component)
        descriptor = self._catalog.component(requested) if is_component else self._catalog.component_of(requested)
        return self.component_registry.wait_for(descriptor, timeout, channel=channel)

    def _make_service(self, service_type: type, preferred_channel: str) -> Any:
        # Without the lock: a container that makes the implementation locks itself, and may come back from there.
        wanted = preferred_channel or self._preferred_channel
        component = self._catalog.component_of(service_type)
        if wanted in ("", LOCAL) and self._implementations.provides(service_type):
            service: Any = self._implementations.get(service_type)
        else:
            router = self._router(component, wanted)
            service = DynamicProxy.create(cast(Any, service_type), router, catalog=self._catalog)
        with self._lock:
            if wanted != (preferred_channel or self._preferred_channel):
                return service  # another default was set meanwhile
            return self._services.setdefault((service_type, preferred_channel), service)

    def _router(self, component: ComponentDescriptor, preferred_channel: str) -> Router:
        with self._lock:
            if self._closed:
                raise LocalServiceException(
                    f"component '{component.name}' cannot be called any more: its service manager is closed"
                )
            router = self._routers.get((component.type, preferred_channel))
            if router is not None:
                return router
            channels = self._channels.get(component.type)
            if channels is None:
                channels = self._channels[component.type] = ComponentChannels(
                    self.component_registry,
                    self.channel_factory,
                    component,
                    policies=Policies(
                        component=Policy.merge(self._policies.get(component.type), component.policy),
                        manager=self._policy,
                    ),
                    observers=self._observers,
                )
            router = self._routers[component.type, preferred_channel] = Router(channels, preferred_channel)
            return router

    # hosting

    def hosted_services(self) -> list[HostedService]:
        """The services that this process implements."""
        return [
            HostedService(
                component=self._catalog.component_of(interface),
                service=self._catalog.service(interface),
                implementation=(implementation := self._implementations.get(interface)),
                inline=self._catalog.is_inline(type(implementation)),
            )
            for interface in self._catalog.bundled_services()
            if self._implementations.provides(interface)
        ]

    def startup(self, server: Server) -> None:
        """Start the components of this process and route their health; nothing is registered yet.

        If one cannot be started, those before it are shut down again and the error is raised.
        """
        try:
            for interface in self._catalog.component_types():
                if self._implementations.provides(interface):
                    descriptor = self._catalog.component(interface)
                    self._check_services(descriptor)
                    component: Component = self._implementations.get(descriptor.type)
                    path = health_path(type(component))
                    if path is not None:
                        server.route_health(path, component.get_health)
                    component.startup()
                    self._running.append((descriptor, component))
        except BaseException as failure:
            for another in self._shut_down():
                failure.add_note(f"then a component that was started already failed to shut down: {another!r}")
            raise

    def register(self, port: int) -> None:
        """Offer the started components; the server must answer on ``port``. Raises LocalServiceException."""
        for descriptor, component in self._running:
            addresses = component.get_addresses(port)
            _check_addresses(descriptor, component, addresses)
            self._offered[descriptor] = addresses
            self.component_registry.register(descriptor, addresses, health=health_path(type(component)))

    def deregister(self) -> None:
        """Take the components of this process out of the registry, so that no new calls come.

        If one fails, the others are still taken out; then the error is raised, or an ExceptionGroup of several.
        """
        errors: list[Exception] = []
        for descriptor, _ in self._running:
            self._offered.pop(descriptor, None)
            try:
                self.component_registry.deregister(descriptor)
            except Exception as error:  # noqa: BLE001 - raised below, after the others had their turn
                errors.append(error)
        _raise("components failed to deregister", errors)

    def running(self) -> Mapping[str, Component]:
        """The components of this process that have been started, by name."""
        return {descriptor.name: component for descriptor, component in self._running}

    def offered(self) -> Mapping[ComponentDescriptor, Sequence[ChannelAddress]]:
        """The components of this process that are registered, with their addresses."""
        return dict(self._offered)

    def shutdown(self) -> None:
        """Shut the components of this process down, the last started first.

        If one raises, the others are still shut down; then the error is raised, or an ExceptionGroup of several.
        """
        _raise("components failed to shut down", self._shut_down())

    def _shut_down(self) -> list[Exception]:
        errors: list[Exception] = []
        while self._running:
            descriptor, component = self._running.pop()
            try:
                component.shutdown()
            except Exception as error:  # noqa: BLE001 - the caller raises it, after the others had their turn
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

    # views

    def report(self) -> Mapping[str, Any]:
        """What this process hosts and calls, as JSON-like data without secrets."""
        with self._lock:
            calls = {channels.descriptor.name: channels.view() for channels in self._channels.values()}
        hosts = {
            descriptor.name: {
                "status": component.get_status().value,
                "services": [service.name for service in descriptor.services],
                "addresses": format_addresses(self._offered.get(descriptor, ())),
            }
            for descriptor, component in self._running
        }
        return MappingProxyType({"hosts": hosts, "calls": calls})

    # end

    def close(self) -> None:
        """Close channels and registry, from a thread that runs no event loop of theirs; safe to call twice."""
        with ExitStack() as end:
            end.callback(self.component_registry.close)
            for channel in self._end():
                end.callback(channel.close)

    async def aclose(self) -> None:
        """Close channels, with what they opened on the running event loop, and the registry; safe to call twice."""
        async with AsyncExitStack() as end:
            end.callback(self.component_registry.close)
            for channel in self._end():
                end.push_async_callback(channel.aclose)

    def _end(self) -> list[Channel]:
        with self._lock:
            self._closed = True
            self._services.clear()
            return [channel for channels in self._channels.values() for channel in channels.close()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _raise(message: str, errors: list[Exception]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup(message, errors)


def _check_policy(kind: Any, policy: Any, catalog: Catalog) -> None:
    if not isinstance(kind, type) or not isinstance(policy, Policy):
        raise DeclarationException(f"policies={{{kind!r}: {policy!r}}}: write {{TheComponent: Policy(...)}}")
    catalog.component(kind)  # raises if it is none: its policy would never count


def _check_addresses(descriptor: ComponentDescriptor, component: object, addresses: Any) -> None:
    if not isinstance(addresses, list) or not all(isinstance(address, ChannelAddress) for address in addresses):
        raise LocalServiceException(
            f"{type(component).__name__}.get_addresses (component '{descriptor.name}') must return a list of "
            f"ChannelAddress, not {addresses!r}"
        )
    for address in addresses:
        check_scheme(address.uri, f"{type(component).__name__}.get_addresses (component '{descriptor.name}')")
