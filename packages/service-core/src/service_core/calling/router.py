"""Routes: from a service that somebody wants to the channel that can carry the call right now."""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.local import LOCAL
from service_core.calling.proxy import Invocation, InvocationHandler
from service_core.context import Deadline, call_context, current_context, current_deadline
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException
from service_core.registry.base import ComponentRegistry, Snapshot
from service_core.resilience.events import CallObserver
from service_core.resilience.retrying import earlier_attempts

__all__ = ["ComponentRoutes", "Route"]

logger: Final = logging.getLogger("service.routing")

FIRST_ANSWER: Final = 3.0
"""Seconds that a first call waits for the registry's first word on a component, if it has so much time."""
_OTHER_CHOICES: Final = 10
"""How often a call chooses again whose channel has lost its instances."""


class ComponentRoutes:
    """All channels to one component, kept up to date by the registry. Safe to use from several threads."""

    def __init__(
        self,
        registry: ComponentRegistry,
        factory: ChannelFactory,
        descriptor: ComponentDescriptor,
        *,
        policy: Policy | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> None:
        self.descriptor = descriptor
        self.policy = policy
        """What is done for a call unless its method or channel says otherwise; None for what channels do anyway."""
        self._observers = observers
        self._registry = registry
        self._factory = factory
        self._lock = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._channels: dict[str, Channel] = {}
        self._routes: dict[str, Route] = {}
        self._closed = False
        self._unsubscribe = registry.subscribe(descriptor.name, self._on_snapshot)

    def route(self, preferred_channel: str) -> Route:
        """The route that uses the preferred channel whenever somebody offers it.

        Raises ChannelNotInstalledException if there is no such channel in this process.
        """
        with self._lock:
            route = self._routes.get(preferred_channel)
            if route is None:
                if preferred_channel not in ("", LOCAL):
                    self._factory.channel_class(preferred_channel)
                route = self._routes[preferred_channel] = Route(self, preferred_channel)
            return route

    def choose(self, preferred_channel: str) -> Channel:
        """The channel for calls now. Raises ComponentUnavailableException, ChannelNotInstalledException."""
        with self._lock:  # a snapshot is seen when all channels know of it
            name = self._name_of_choice(preferred_channel)
            channel = self._channels.get(name)
        if channel is not None:
            return channel
        # Made without the lock: a container runs the user's code, which may come back to this object.
        made = self._factory.make(name, self.descriptor, None, policy=self.policy, observers=self._observers)
        with self._lock:
            if not self._closed:
                channel = self._channels.setdefault(name, made)
                channel.set_address((self._snapshot or {}).get(name))
        if channel is not made:
            made.close()
        if channel is None:
            raise self._closed_error()
        return channel

    def wait_until_known(self, timeout: float) -> None:
        """Wait for the registry's first word on the component."""
        if self._snapshot is None:
            self._registry.wait_until_known(self.descriptor.name, timeout)

    async def wait_until_known_async(self, seconds: float) -> None:
        """Wait for the registry's first word on the component; any number of tasks need no thread for it."""
        if self._snapshot is not None:
            return
        import asyncio  # here, since sync programs do without it

        loop, known = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: Snapshot) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(known.set)

        unsubscribe = self._registry.subscribe(self.descriptor.name, wake)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await known.wait()
        finally:
            unsubscribe()

    def view(self) -> dict[str, Any]:
        """The instances of each channel, and how those look that have been called, as JSON-like data."""
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
            for route in self._routes.values():
                route.reset()
        return channels

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._snapshot = snapshot
            for name, channel in self._channels.items():
                channel.set_address(snapshot.get(name))
            for route in self._routes.values():
                route.reset()
        logger.info(
            "component %s is offered over %s",
            self.descriptor.name,
            ", ".join(f"{name} by {len(found.urls)}" for name, found in snapshot.items()) or "no channel",
        )

    def _name_of_choice(self, preferred: str) -> str:
        if self._closed:
            raise self._closed_error()
        offered = [name for name in self._snapshot or () if name != LOCAL]
        if not offered:
            raise ComponentUnavailableException(
                f"nobody offers component '{self.descriptor.name}' at the moment; start a server that hosts it "
                f"and uses the same registry ({self._registry.describe()})"
            )
        if preferred in offered:
            return preferred
        usable = [name for name in offered if self._factory.is_installed(name)]
        if not usable:
            self._factory.channel_class(offered[0])  # raises, naming what to install
        return usable[0]

    def _closed_error(self) -> ComponentUnavailableException:
        return ComponentUnavailableException(
            f"component '{self.descriptor.name}' cannot be called any more: its service manager is closed"
        )


class Route(InvocationHandler):
    """What a proxy calls: hands every call to the channel of choice."""

    def __init__(self, routes: ComponentRoutes, preferred_channel: str) -> None:
        self._routes = routes
        self._preferred = preferred_channel
        self._channel: Channel | None = None
        self._version = 0
        self._warnings = itertools.count()  # next() on it is atomic

    def invoke(self, invocation: Invocation) -> Any:
        """Carry out the call over the channel of choice."""
        begun, channel, detour = time.monotonic(), self._channel, None
        if channel is None:
            self._routes.wait_until_known(self._patience(invocation))
            channel = self._choose()
            detour = _Detour(invocation, channel, begun)
        while True:
            try:
                if detour is None:
                    return channel.invoke(invocation)
                with detour.going_on():
                    return channel.invoke(invocation)
            except ComponentUnavailableException as error:
                detour = detour or _Detour(invocation, channel, begun)
                channel = self._choose_after(error, channel, detour)

    async def invoke_async(self, invocation: Invocation) -> Any:
        """Carry out the call over the channel of choice."""
        begun, channel, detour = time.monotonic(), self._channel, None
        if channel is None:
            await self._routes.wait_until_known_async(self._patience(invocation))
            channel = self._choose()
            detour = _Detour(invocation, channel, begun)
        while True:
            try:
                if detour is None:
                    return await channel.invoke_async(invocation)
                with detour.going_on():
                    return await channel.invoke_async(invocation)
            except ComponentUnavailableException as error:
                detour = detour or _Detour(invocation, channel, begun)
                channel = self._choose_after(error, channel, detour)

    def reset(self) -> None:
        """Choose again at the next call."""
        self._version += 1
        self._channel = None

    def _patience(self, invocation: Invocation) -> float:
        deadline = current_deadline()
        if deadline is None:
            deadline = Deadline.after((invocation.descriptor.policy or self._routes.policy or Policy()).timeout)
        return min(FIRST_ANSWER, deadline.remaining)

    def _choose_after(self, error: ComponentUnavailableException, channel: Channel, detour: _Detour) -> Channel:
        """The channel after one that had no instances any more: another may be offered since it was chosen."""
        match error.details:
            case {"component": self._routes.descriptor.name, "channel": channel.name, "attempts": int(attempts)}:
                detour.attempts = attempts
            case _:
                raise error  # not from the choice of an instance
        detour.choices += 1
        if detour.choices > _OTHER_CHOICES:
            raise error
        return self._choose()

    def _choose(self) -> Channel:
        version = self._version
        channel = self._routes.choose(self._preferred)
        self._channel = channel
        if version != self._version:
            self._channel = None  # something has changed meanwhile; the next call looks again
        if self._preferred and channel.name != self._preferred and next(self._warnings) == 0:
            logger.warning(
                "component %s is not offered over the preferred channel %s; using %s until it is",
                self._routes.descriptor.name,
                self._preferred,
                channel.name,
            )
        return channel

    def __repr__(self) -> str:
        over = self._channel.name if self._channel is not None else self._preferred or "any channel"
        return f"{self._routes.descriptor.name} over {over}"


class _Detour:
    """A call that has waited for its channel, or goes on over another one."""

    __slots__ = ("_context", "attempts", "choices")

    def __init__(self, invocation: Invocation, channel: Channel, begun: float) -> None:
        """``begun`` is when the call began, ``channel`` the first that was chosen for it."""
        self.attempts = 0
        """How many the call has had."""
        self.choices = 0
        """How often a channel was chosen that takes over from another."""
        self._context = current_context()
        if self._context.deadline is None:
            timeout = (invocation.descriptor.policy or channel.policy).timeout
            deadline = Deadline(math.inf if timeout is None else begun + timeout)
            self._context = replace(self._context, deadline=deadline)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Let a channel inside the block go on with the call: within its time and its number of attempts."""
        outer = earlier_attempts.set(self.attempts)
        try:
            with call_context(self._context):
                yield
        finally:
            earlier_attempts.reset(outer)
