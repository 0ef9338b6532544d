"""Consul as the component registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import consul as consul_client

from service_core.declaring.address import ChannelAddress
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.registry.base import ComponentRegistry
from service_registry_consul.connectivity import ConsulStatus, Contact
from service_registry_consul.registering.initial_status import HealthSource
from service_registry_consul.registering.registrar import Registrar
from service_registry_consul.registering.registration import plan_registration
from service_registry_consul.settings import ConsulSettings, settings_of
from service_registry_consul.watching.watch import Watcher

__all__ = ["ConsulComponentRegistry"]


class ConsulComponentRegistry(ComponentRegistry):
    """Registers the components of this process in Consul, and finds those of others.

    Nothing waits for Consul: without it, registration and look-ups happen as soon as it answers, and what was
    known stays in use. One thread watches, one registers; each starts when it is needed.
    """

    def __init__(
        self, port: int, consul: str | consul_client.Consul | ConsulSettings | None = None, **options: Any
    ) -> None:
        """``port`` is the port of this process's server, 0 if it has none or its addresses tell it.

        ``consul`` is the agent's URL, a client object whose address and credentials are used, or settings;
        without it the environment tells. ``options`` are fields of :class:`ConsulSettings` and win. Raises
        ``pydantic.ValidationError`` (a ValueError) for a setting that can never work; that nobody answers at
        an address is only logged, and shown by :meth:`status`.
        """
        super().__init__()
        self._port = port
        self._settings = settings_of(consul, options)
        self._contact = Contact()
        self._watcher = Watcher(self._settings, self._contact, self.publish)
        self._registrar = Registrar(self._settings, self._contact)

    def set_health_source(self, source: HealthSource) -> None:
        """Let ``source`` tell the health of components, by name, if the setting ``check`` is ``ttl``."""
        self._registrar.health_source = source

    def register(
        self,
        descriptor: ComponentDescriptor,
        addresses: Sequence[ChannelAddress],
        *,
        health: str | None = None,
    ) -> None:
        """Register a component, and keep it registered until it is deregistered. Does not wait.

        Its ``local`` addresses are left out, they are of no use to others. Raises LocalServiceException for
        an address that does not fit into Consul.
        """
        registration = plan_registration(
            descriptor.name, addresses, port=self._port, health=health, settings=self._settings
        )
        if registration is None:
            self._registrar.deregister(descriptor.name)
        else:
            self._registrar.register(registration)

    def deregister(self, descriptor: ComponentDescriptor) -> None:
        """Take a component out of Consul; waits until that is done, or clear that the agent does not answer."""
        self._registrar.deregister(descriptor.name)

    def follow(self, component: str) -> None:
        """Begin to watch a component."""
        self._watcher.follow(component)

    def status(self) -> ConsulStatus:
        """How this registry gets along with Consul. Does not wait."""
        followed = self._watcher.followed
        return self._contact.status(
            watched=tuple(one.name for one in followed),
            stale=tuple(one.name for one in followed if one.stale),
            registered=self._registrar.registered,
        )

    def describe(self) -> str:
        """The agent's address, and what is wrong with it at the moment."""
        where = f"ConsulComponentRegistry at {self._settings.address}"
        trouble = self._contact.trouble
        return where if trouble is None else f"{where}; at the moment {trouble}"

    def close(self) -> None:
        """Deregister, end both threads and close all connections; safe to call twice.

        If the agent hangs, this returns after ``close_timeout`` seconds.
        """
        self._registrar.close()
        self._watcher.close()
