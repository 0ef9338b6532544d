"""The service manager: gives out services."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Self, TypeVar, cast, overload

from typing_extensions import TypeForm

from service_core.addresses import LOCAL
from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.per_call import PerCall
from service_core.calling.proxy import DynamicProxy
from service_core.calling.router import Router
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import ComponentDescriptor, ServiceDescriptor
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.policy import Policy
from service_core.errors import DeclarationException, LocalServiceException
from service_core.hosting.hosted_services import GivenImplementations, HostedService, Implementations
from service_core.process.forks import call_in_child
from service_core.registry.base import ComponentRegistry
from service_core.registry.subscription import Snapshot
from service_core.resilience.events import CallObserver
from service_core.resilience.policies import Policies

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
        forward_token: bool | Collection[type] = False,
        catalog: Catalog = default_catalog,
    ) -> None:
        """``implementations`` are the objects of this process that implement services and components.

        ``policy`` applies to all calls, ``policies`` to those of single components, by their interface; they are merged
        field by field. ``observers`` receive the events of calls. ``forward_token`` sends the bearer token of the
        calling context to these components, or to all; a token that another program gets can be used by it. Raises
        DeclarationException if a key of ``policies`` is no component.
        """
        self.component_registry = component_registry
        self.channel_factory = channel_factory or ChannelFactory(catalog=catalog)
        self._catalog = catalog
        self._implementations: Implementations = (
            GivenImplementations(implementations, catalog) if isinstance(implementations, Iterable) else implementations
        )
        self._preferred_channel = preferred_channel
        if policy is not None and not isinstance(policy, Policy):
            raise LocalServiceException(f"policy=... takes a Policy, such as Policy(timeout=5), not {policy!r}")
        self._policy = policy
        for kind, own in policies.items():
            _check_policy(kind, own, catalog)
        self._policies = policies
        if not isinstance(component_registry, ComponentRegistry):
            raise LocalServiceException(
                f"ServiceManager() takes a registry, such as StaticComponentRegistry(...), not {component_registry!r}"
            )
        self._observers = tuple(observers)
        self._forward_token = forward_token
        self._lock = threading.RLock()
        self._services: dict[tuple[Any, str], Any] = {}
        self._channels: dict[type, ComponentChannels] = {}
        self._routers: dict[tuple[type, str], Router] = {}
        self._closed = False
        call_in_child(self._after_fork)
        component_registry.start()

    # services

    def get_service(self, service_type: TypeForm[T], preferred_channel: str = "") -> T:
        """The service of that interface.

        Without a preferred channel it is the implementation, if this process has one, else a proxy over the first
        channel that is offered. A preferred channel is used as long as an instance offers it, another one meanwhile.
        Does not wait: a proxy can be made before an instance is registered. Raises DeclarationException if the type
        is no service, ChannelNotInstalledException if no package has the channel.
        """
        try:
            service: T = self._services[service_type, preferred_channel]
        except KeyError:
            service = self._make_service(cast(type, service_type), preferred_channel)
        return service

    def set_preferred_channel(self, preferred_channel: str) -> None:
        """Set the channel for later :meth:`get_service` calls that name none; ``""`` for none."""
        with self._lock:
            self._preferred_channel = preferred_channel
            self._services.clear()

    @overload
    def get_descriptor(self, interface: TypeForm[Component]) -> ComponentDescriptor: ...
    @overload
    def get_descriptor(self, interface: TypeForm[Service]) -> ServiceDescriptor: ...
    def get_descriptor(self, interface: Any) -> ServiceDescriptor | ComponentDescriptor:
        """The descriptor of a service interface or of a component interface. Raises DeclarationException."""
        if issubclass(interface, Component):
            return self._catalog.component(interface)
        return self._catalog.service(interface)

    def wait_for(self, requested: type, timeout: float = 10.0, *, channel: str = "") -> Snapshot:
        """Wait until an instance of the service or component is registered, for ``channel`` if one is named.

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
            service: Any = self._implementation(service_type, per_call=self._implementations.is_per_call(service_type))
        else:
            router = self._router(component, wanted)
            service = DynamicProxy.create(cast(Any, service_type), router, catalog=self._catalog)
        with self._lock:
            if wanted != (preferred_channel or self._preferred_channel):
                return service  # another default was set meanwhile
            return self._services.setdefault((service_type, preferred_channel), service)

    def _implementation(self, interface: type, *, per_call: bool) -> Any:
        if per_call:
            return DynamicProxy.create(cast(Any, interface), PerCall(self._implementations), catalog=self._catalog)
        return self._implementations.get(interface)

    def _router(self, component: ComponentDescriptor, preferred_channel: str) -> Router:
        with self._lock:
            if self._closed:
                raise LocalServiceException(
                    f"component '{component.name}' cannot be called any more: its connection or service manager is "
                    f"closed"
                )
            router = self._routers.get((component.type, preferred_channel))
            if router is not None:
                return router
            channels = self._channels.get(component.type)
            if channels is None:
                channels = self._channels[component.type] = ComponentChannels(
                    self.component_registry,
                    self.channel_factory,
                    replace(component, forward_token=self._forwards_token_to(component)),
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
                implementation=self._implementation(interface, per_call=self._implementations.has_request_scope),
                implementation_type=(cls := self._implementations.type_of(interface)),
                inline=self._catalog.is_inline(cls),
            )
            for interface in self._catalog.bundled_services()
            if self._implementations.provides(interface)
        ]

    def report(self) -> Mapping[str, Any]:
        """The instances that this process calls and their load, by component, as JSON-like data without secrets."""
        with self._lock:
            return {channels.descriptor.name: channels.view() for channels in self._channels.values()}

    # end

    def _forwards_token_to(self, component: ComponentDescriptor) -> bool:
        forward = self._forward_token
        return component.forward_token or (forward if isinstance(forward, bool) else component.type in forward)

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

    def _after_fork(self) -> None:
        self._lock = threading.RLock()  # another thread of the parent may have held it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _check_policy(kind: Any, policy: Any, catalog: Catalog) -> None:
    if not isinstance(kind, type) or not isinstance(policy, Policy):
        raise DeclarationException(f"policies={{{kind!r}: {policy!r}}}: write {{TheComponent: Policy(...)}}")
    catalog.component(kind)  # raises if it is none: its policy would never count
