"""The base of registries: which instances of which component are registered, and under which addresses.

Addresses flow one way: a registry publishes snapshots, listeners receive them. :class:`ComponentRegistry` keeps the
last snapshot of every component in use and notifies listeners of changes; a subclass obtains the snapshots.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final, Self

from service_core.addresses import ChannelAddress, ChannelInstances
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.health import Health, HealthSource
from service_core.errors import ComponentUnavailableException
from service_core.process.forks import call_in_child
from service_core.registry.subscription import Listener, Snapshot, Subscription

_EMPTY: Final[Snapshot] = MappingProxyType({})


def snapshot_of(
    component: str,
    instances: Iterable[Iterable[ChannelAddress]],
    metadata: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Snapshot:
    """Merge what the instances of a component offer: channels in order of appearance, urls without doubles.

    ``metadata`` is what was registered with instances, by url.
    """
    urls: dict[str, dict[str, None]] = {}
    for addresses in instances:
        for address in addresses:
            urls.setdefault(address.channel, {})[address.uri] = None
    return MappingProxyType(
        {
            channel: ChannelInstances(
                component, channel, tuple(found), {url: dict(metadata[url]) for url in found if metadata.get(url)}
            )
            for channel, found in urls.items()
        }
    )


class ComponentRegistry(ABC):
    """The base of all registries. Safe to use from several threads.

    A subclass implements :meth:`register` and :meth:`deregister`, starts to look for a component in
    :meth:`follow`, and calls :meth:`publish` whenever it knows more.
    """

    is_shared: ClassVar[bool] = True
    """Whether other processes read it, so that they need time to see that an instance leaves."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._snapshots: dict[str, Snapshot] = {}
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._followed: set[str] = set()
        call_in_child(self.after_fork)

    # for servers

    @abstractmethod
    def register(
        self, descriptor: ComponentDescriptor, addresses: Sequence[ChannelAddress], *, health: str | None = None
    ) -> None:
        """Offer a component of this process under the given addresses.

        ``health`` is the path of its health endpoint, None if it has none. Registering again replaces.
        """

    @abstractmethod
    def deregister(self, descriptor: ComponentDescriptor) -> None:
        """Take the offer back; nothing happens if there is none."""

    def set_health_source(self, source: HealthSource) -> None:  # noqa: B027 - most registries poll the health endpoint
        """Set the source of health reports, for registries that send them on themselves."""

    def is_kept_by_others(self) -> bool:
        """Whether other processes keep the registrations of this one, as the workers on one port do."""
        return False

    def processes_of(self, descriptor: ComponentDescriptor) -> tuple[int, ...]:
        """The processes that keep the registration of a component of this process; itself, unless it is shared."""
        del descriptor
        return (os.getpid(),)

    def map_health(self, health: Health) -> int:
        """The HTTP status with which a health endpoint answers: 200, 429 for a warning, 503 for an error."""
        return health.status.http_status

    # for clients

    def get_addresses(self, descriptor: ComponentDescriptor) -> list[ChannelInstances]:
        """The last known instances of a component by channel; empty if none is known. Does not wait."""
        return list((self.snapshot(descriptor.name) or _EMPTY).values())

    def snapshot(self, component: str) -> Snapshot | None:
        """The last known snapshot of a component, None as long as nothing is known. Does not wait."""
        self._ensure_followed(component)
        return self._snapshots.get(component)

    def subscribe(self, component: str, listener: Listener) -> Callable[[], None]:
        """Give ``listener`` the current snapshot, if there is one, and every later one, in order.

        It is called outside of all locks, one call at a time, by the thread that subscribes or publishes. An error
        that it raises is logged. Returns a function that ends the subscription. Does not wait for the first snapshot.
        """
        self._ensure_followed(component)
        subscription = Subscription(component, listener)
        with self._changed:
            self._subscriptions.setdefault(component, []).append(subscription)
            known = self._snapshots.get(component)
            if known is not None:
                subscription.put(known)
        subscription.deliver()

        def unsubscribe() -> None:
            subscription.end()
            with self._changed:
                subscriptions = self._subscriptions.get(component, [])
                if subscription in subscriptions:
                    subscriptions.remove(subscription)

        return unsubscribe

    def wait_for(self, component: ComponentDescriptor | str, timeout: float = 10.0, *, channel: str = "") -> Snapshot:
        """Wait until an instance of the component is registered, for ``channel`` if one is named.

        Raises ComponentUnavailableException after ``timeout`` seconds.
        """
        name = component if isinstance(component, str) else component.name
        self._ensure_followed(name)
        with self._changed:
            offered = self._changed.wait_for(lambda: _offers(self._snapshots.get(name), channel), timeout)
            if offered:
                return self._snapshots[name]
        over = f" over channel '{channel}'" if channel else ""
        raise ComponentUnavailableException(
            f"no instance of component '{name}'{over} was registered within {timeout:g} s; start a server that "
            f"hosts it and uses the same registry ({self.describe()})",
            component=name,
        )

    def wait_until_known(self, component: str, timeout: float) -> Snapshot:
        """Wait for the first snapshot of the component; an empty one after ``timeout`` seconds."""
        self._ensure_followed(component)
        with self._changed:
            self._changed.wait_for(lambda: component in self._snapshots, timeout)
            return self._snapshots.get(component, _EMPTY)

    # for subclasses

    def follow(self, component: str) -> None:
        """Start to follow a component; called once for each, by the first thread that uses it. Must not wait.

        The base implementation publishes at once that no instance is registered.
        """
        self.publish(component, _EMPTY)

    def publish(self, component: str, snapshot: Snapshot) -> None:
        """Replace the snapshot of a component and notify the listeners, unless nothing has changed.

        Call it without holding a lock that a listener may need.
        """
        with self._changed:
            known = self._snapshots.get(component)
            # Two dicts with other order are equal, but the order of channels is a preference.
            if known is not None and list(known.items()) == list(snapshot.items()):
                return
            self._snapshots[component] = snapshot
            self._changed.notify_all()
            subscriptions = list(self._subscriptions.get(component, ()))
            for subscription in subscriptions:
                subscription.put(snapshot)
        for subscription in subscriptions:
            subscription.deliver()

    def after_fork(self) -> None:
        """Replace what a forked child cannot use; called there before anything else.

        A subclass whose threads look for components clears ``_followed``, so that :meth:`follow` is called again for
        each component that the child uses. What was known stays known.
        """
        self._changed = threading.Condition(threading.RLock())
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.after_fork()

    def describe(self) -> str:
        """What this registry is, for messages; without secrets."""
        return type(self).__name__

    def start(self) -> None:  # noqa: B027 - not every registry has something to begin
        """Begin to work; called once by the manager that uses the registry."""

    def close(self) -> None:  # noqa: B027 - nor to end
        """End all work and release what was opened; safe to call twice."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _ensure_followed(self, component: str) -> None:
        if component in self._followed:
            return
        with self._changed:
            if component in self._followed:
                return
            self._followed.add(component)
            self.follow(component)  # before the first subscription, so no listener is called here


def _offers(snapshot: Snapshot | None, channel: str) -> bool:
    return bool(snapshot and (not channel or channel in snapshot))


class LocalComponentRegistry(ComponentRegistry):
    """Holds what this process itself registers. For tests, and for programs that run in one process."""

    is_shared = False

    def register(
        self, descriptor: ComponentDescriptor, addresses: Sequence[ChannelAddress], *, health: str | None = None
    ) -> None:
        """Offer a component of this process."""
        del health  # it is not polled
        self._followed.add(descriptor.name)
        self.publish(descriptor.name, snapshot_of(descriptor.name, [addresses]))

    def deregister(self, descriptor: ComponentDescriptor) -> None:
        """Take the offer back."""
        self.publish(descriptor.name, _EMPTY)
