"""Consul as the component registry."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

from consul import Consul

from service_core import ChannelAddress, ComponentDescriptor, ComponentRegistry
from service_core.process import detach
from service_core.registry import HealthSource, Snapshot
from service_registry_consul.background import Background
from service_registry_consul.connection.connectivity import Connectivity, ConsulStatus
from service_registry_consul.registering.registrar import Registrar
from service_registry_consul.registering.registration import plan_registration
from service_registry_consul.settings import ConsulSettings, settings_of
from service_registry_consul.watching.watch import Watcher

logger: Final = logging.getLogger("service.registry.consul")

_SLACK: Final = 1.0
"""Seconds that the thread may take to end after the last request."""


class ConsulComponentRegistry(ComponentRegistry):
    """Registers the components of this process in Consul, and discovers those of others.

    It does not wait for Consul: registration and look-ups happen as soon as Consul answers, and known instances
    stay in use meanwhile. One thread does all the work; it starts on first use.
    """

    def __init__(self, port: int, consul: str | Consul | ConsulSettings | None = None, **options: Any) -> None:
        """``port`` is the port of this process's server, 0 if it has none or its addresses contain it.

        ``consul`` is the agent's URL, a client object whose address and credentials are used, or settings;
        the default is the environment. ``options`` are fields of :class:`ConsulSettings` and win. Raises
        ``pydantic.ValidationError`` (a ValueError) for an invalid setting; an address at which no agent answers
        is only logged, and shown by :meth:`status`.
        """
        super().__init__()
        if not isinstance(port, int):
            raise TypeError(f"ConsulComponentRegistry({port!r}): the port comes first, 0 for none; then the URL")
        self._port = port
        self._settings = settings_of(consul, options)
        self._work = _Work(self._settings, self.publish)
        self._finalizer = self._finalize()

    def set_health_source(self, source: HealthSource) -> None:
        """Set the function that reports the health of components, by name, for the setting ``check="ttl"``."""
        self._work.registrar.health_source = source

    def register(
        self,
        descriptor: ComponentDescriptor,
        addresses: Sequence[ChannelAddress],
        *,
        health: str | None = None,
    ) -> None:
        """Register a component, and keep it registered until it is deregistered. Does not wait.

        Its ``local`` addresses are left out, since other processes cannot use them. Raises LocalServiceException for
        an address that does not fit into Consul.
        """
        registration = plan_registration(
            descriptor.name, addresses, port=self._port, health=health, settings=self._settings
        )
        if registration is None:
            self._work.registrar.deregister(descriptor.name)
        else:
            self._work.registrar.register(registration)

    def deregister(self, descriptor: ComponentDescriptor) -> None:
        """Deregister a component; waits until that is done, or the agent is known not to answer."""
        self._work.registrar.deregister(descriptor.name)

    def follow(self, component: str) -> None:
        """Begin to watch a component."""
        self._work.watcher.follow(component)

    def is_kept_by_others(self) -> bool:
        """Whether other workers on the same port keep the registrations that this process has removed."""
        return self._work.registrar.shared.are_kept_by_others()

    def processes_of(self, descriptor: ComponentDescriptor) -> tuple[int, ...]:
        """The processes of this machine that keep the registration, as the kernel lists them (Linux)."""
        return self._work.registrar.processes_of(descriptor.name) or super().processes_of(descriptor)

    def status(self) -> ConsulStatus:
        """The state of this registry and its connection with Consul. Does not wait."""
        watched, registrar = self._work.watcher.watched, self._work.registrar
        return self._work.connectivity.status(
            watched=tuple(one.name for one in watched),
            stale=tuple(one.name for one in watched if one.stale),
            registered=registrar.registered,
            processes=registrar.shared.processes(),
        )

    def describe(self) -> str:
        """The agent's address, the current failure, and the instances that are registered as critical."""
        parts = [f"ConsulComponentRegistry at {self._settings.address}"]
        if (failure := self._work.connectivity.failure) is not None:
            parts.append(str(failure))
        parts += [
            f"where '{one.name}' is registered as critical at {', '.join(sorted(one.critical))}"
            for one in self._work.watcher.watched
            if one.critical
        ]
        return ", ".join(parts)

    def close(self) -> None:
        """Deregister, end the thread and close all connections; safe to call twice.

        If the agent hangs, this returns after ``close_timeout`` seconds. A registry that is garbage-collected without
        it is closed as well, without waiting. A forked child does not deregister the registrations of its parent.
        """
        self._finalizer.detach()
        self._work.close(wait=True)

    def after_fork(self) -> None:
        """Start again in a forked child: watches start with the next use, registrations are those of the parent."""
        super().after_fork()
        self._finalizer.detach()
        detach(self._work.descriptors())
        health_source, self._work = self._work.registrar.health_source, _Work(self._settings, self.publish)
        self._work.registrar.health_source = health_source
        self._followed.clear()
        self._finalizer = self._finalize()

    def _finalize(self) -> weakref.finalize[..., Any]:
        finalizer = weakref.finalize(self, self._work.close, wait=False)
        finalizer.atexit = False
        return finalizer


class _Work:
    """The working parts of a registry, which hold no reference to it."""

    def __init__(self, settings: ConsulSettings, publish: Callable[[str, Snapshot], None]) -> None:
        self.connectivity = Connectivity()
        self._background = Background()
        self._publish = weakref.WeakMethod(publish)
        self._settings = settings
        self.watcher = Watcher(settings, self.connectivity, self._background, self._forward)
        self.registrar = Registrar(settings, self.connectivity, self._background)

    def descriptors(self) -> list[int]:
        """The file descriptors of the open connections."""
        return [self.registrar.descriptor, *self.watcher.descriptors]

    def close(self, *, wait: bool) -> None:
        """End everything; ``wait`` for that, for a limited time."""
        self.registrar.close()
        # A request that has begun at the limit may take as long as its own limit.
        if not self._background.close(self._settings.close_timeout + _SLACK if wait else None):
            logger.warning(
                "the thread of the registry did not end within %g s: the agent, a listener or name resolution hangs; "
                "if this process stays registered, its check turns critical",
                self._settings.close_timeout,
            )

    def _forward(self, component: str, snapshot: Snapshot) -> None:
        publish = self._publish()
        if publish is not None:
            publish(component, snapshot)
