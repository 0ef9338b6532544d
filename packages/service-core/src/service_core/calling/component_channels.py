"""The channels to one component, kept up to date by the registry."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from service_core.addresses import LOCAL
from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import ComponentUnavailableException
from service_core.process.forks import call_in_child
from service_core.registry.base import ComponentRegistry
from service_core.registry.subscription import Snapshot
from service_core.resilience.events import CallObserver
from service_core.resilience.policies import Policies

logger: Final = logging.getLogger("service.routing")

FIRST_ANSWER: Final = 3.0
"""Seconds, counted from the first call, for which calls wait for the registry's first answer about a component."""


class ComponentChannels:
    """All channels to one component. Safe to use from several threads."""

    def __init__(
        self,
        registry: ComponentRegistry,
        factory: ChannelFactory,
        descriptor: ComponentDescriptor,
        *,
        policies: Policies | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> None:
        self.descriptor = descriptor
        self.policies = policies or Policies(component=descriptor.policy)
        """The policies of calls as long as no channel was chosen."""
        self._observers = observers
        self._registry = registry
        self._factory = factory
        self._lock = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._channels: dict[str, Channel] = {}
        self._listeners: list[Callable[[], None]] = []
        self._answer_due = math.inf
        self._closed = False
        call_in_child(self._after_fork)
        self._unsubscribe = registry.subscribe(descriptor.name, self._on_snapshot)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener``, which must not wait, whenever another channel may have to be chosen."""
        with self._lock:
            self._listeners.append(listener)

    def check_installed(self, channel: str) -> None:
        """Raise ChannelNotInstalledException if this process has no such channel."""
        if channel not in ("", LOCAL):
            self._factory.channel_class(channel)

    def choose(self, preferred_channel: str) -> Channel:
        """The channel for calls now. Raises ComponentUnavailableException, ChannelNotInstalledException."""
        self._registry.snapshot(self.descriptor.name)  # in a forked child the registry follows it from now on
        with self._lock:  # a snapshot is seen when all channels know of it
            name = self._name_of_choice(preferred_channel)
            channel = self._channels.get(name)
        if channel is not None:
            return channel
        # Made without the lock: a container runs the user's code, which may come back to this object.
        made = self._factory.make(name, self.descriptor, None, policies=self.policies, observers=self._observers)
        with self._lock:
            if not self._closed:
                channel = self._channels.setdefault(name, made)
                channel.set_address((self._snapshot or {}).get(name))
        if channel is not made:
            made.close()
        if channel is None:
            raise self._closed_error()
        return channel

    def wait_until_known(self, remaining: float) -> None:
        """Wait for the registry's first answer, at most for ``remaining`` seconds.

        A registry that has not answered 3 s after the first call is not waited for again.
        """
        if self._snapshot is None:
            self._registry.wait_until_known(self.descriptor.name, self._first_answer_within(remaining))

    async def wait_until_known_async(self, remaining: float) -> None:
        """As :meth:`wait_until_known`; waiting tasks occupy no thread."""
        if self._snapshot is not None:
            return
        loop, known = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Snapshot) -> None:
            with suppress(RuntimeError):  # the loop is closed, and so is the task that waited
                loop.call_soon_threadsafe(known.set)

        unsubscribe = self._registry.subscribe(self.descriptor.name, wake)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._first_answer_within(remaining)):
                    await known.wait()
        finally:
            unsubscribe()

    def view(self) -> dict[str, Any]:
        """The instances of each channel with their load, where they were called, as JSON-like data."""
        with self._lock:
            return {
                name: self._channels[name].balancer.view()
                if name in self._channels
                else [{"url": url} for url in found.urls]
                for name, found in (self._snapshot or {}).items()
            }

    def close(self) -> list[Channel]:
        """End the subscription; returns the channels, which the caller closes."""
        self._unsubscribe()
        with self._lock:
            self._closed = True
            channels = list(self._channels.values())
            self._channels.clear()
            self._notify()
        return channels

    def _after_fork(self) -> None:
        self._lock = threading.RLock()  # another thread of the parent may have held it
        self._answer_due = math.inf

    def _first_answer_within(self, remaining: float) -> float:
        now = time.monotonic()
        self._answer_due = min(self._answer_due, now + FIRST_ANSWER)
        return max(0.0, min(self._answer_due - now, remaining))

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._snapshot = snapshot
            self._notify()  # first, so that a call that finds a channel empty sees that there is another choice
            for name, channel in self._channels.items():
                channel.set_address(snapshot.get(name))
        logger.info(
            "component %s is offered over %s",
            self.descriptor.name,
            ", ".join(f"{name} by {len(found.urls)}" for name, found in snapshot.items()) or "no channel",
        )

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    def _name_of_choice(self, preferred: str) -> str:
        if self._closed:
            raise self._closed_error()
        offered = [name for name in self._snapshot or () if name != LOCAL]
        if not offered:
            raise self._unavailable()
        if preferred in offered:
            return preferred
        usable = [name for name in offered if self._factory.is_installed(name)]
        if not usable:
            self._factory.channel_class(offered[0])  # raises, naming what to install
        return usable[0]

    def _unavailable(self) -> ComponentUnavailableException:
        name, registry = self.descriptor.name, self._registry.describe()
        if self._snapshot is None:
            message = f"component '{name}': no answer from the registry yet: {registry}"
        else:
            message = (
                f"no instance of component '{name}' is registered; start a server that hosts it and uses the same "
                f"registry ({registry})"
            )
        return ComponentUnavailableException(message, component=name)

    def _closed_error(self) -> ComponentUnavailableException:
        return ComponentUnavailableException(
            f"component '{self.descriptor.name}' cannot be called any more: its connection or service manager is "
            f"closed",
            component=self.descriptor.name,
        )
