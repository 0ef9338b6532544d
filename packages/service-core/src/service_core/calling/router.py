"""The router: what a proxy calls; it hands every call to the channel that can carry it now."""

from __future__ import annotations

import itertools
import logging
import threading
from asyncio import _get_running_loop
from collections.abc import Generator
from contextlib import closing
from typing import Any, Final, Self

from service_core.call import Call
from service_core.calling.channel import Channel
from service_core.calling.component_channels import ComponentChannels
from service_core.calling.forms.event_loops import warn_on_event_loop
from service_core.calling.proxy import InvocationHandler
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import EffectivePolicy
from service_core.errors import ComponentUnavailableException, MissingTokenException
from service_core.process.forks import call_in_child

logger: Final = logging.getLogger("service.routing")


class Router(InvocationHandler):
    """Routes the calls of one component, with one preferred channel. Safe to use from several threads."""

    def __init__(self, channels: ComponentChannels, preferred_channel: str) -> None:
        """Raises ChannelNotInstalledException if this process has no such channel."""
        channels.check_installed(preferred_channel)
        self._channels = channels
        self._preferred = preferred_channel
        self._lock = threading.Lock()
        self._choice: tuple[Channel | None, int] = (None, 0)
        """The channel for calls now, None if it has to be chosen, and how often the choice was reset."""
        self._warnings = itertools.count()  # next() on it is atomic
        channels.on_change(self._reset)
        call_in_child(self._after_fork)

    def policy_of(self, method: MethodDescriptor) -> EffectivePolicy:
        """The policy for calls of a method: with the channel's own fields once a channel was chosen."""
        channel, _ = self._choice
        return self._channels.policies.of(method) if channel is None else channel.policy_of(method)

    def invoke(self, invocation: Call) -> Any:
        """Carry out the call over the channel of choice."""
        if _get_running_loop() is not None:
            warn_on_event_loop(invocation)
        channel, version = self._choice
        if channel is None:
            self._channels.wait_until_known(invocation.deadline.remaining)
            channel, version = self._choose(invocation)
        while True:
            try:
                return channel.invoke(invocation)
            except ComponentUnavailableException as error:
                channel, version = self.chosen_after(error, invocation, version)
            except MissingTokenException as error:
                self._explain(error, invocation, channel)
                raise

    async def invoke_async(self, invocation: Call) -> Any:
        """Carry out the call over the channel of choice."""
        channel, version = self._choice
        if channel is None:
            await self._channels.wait_until_known_async(invocation.deadline.remaining)
            channel, version = self._choose(invocation)
        while True:
            try:
                return await channel.invoke_async(invocation)
            except ComponentUnavailableException as error:
                channel, version = self.chosen_after(error, invocation, version)
            except MissingTokenException as error:
                self._explain(error, invocation, channel)
                raise

    def _explain(self, error: MissingTokenException, call: Call, channel: Channel) -> None:
        """Add to the error that the calling context has a token, which this channel does not send."""
        if call.context.token is not None and not channel.forward_token:
            error.add_note(
                f"The calling context has a bearer token, which is not sent to component "
                f"'{self._channels.descriptor.name}'. If it may act on behalf of the caller, declare it with "
                f"@component(forward_token=True), or use ServiceManager(forward_token=[TheComponent])."
            )

    def invoke_stream(self, invocation: Call) -> Any:
        """Carry out the call of a method whose result is a stream over the channel of choice."""
        invocation.arguments_and_stream()  # raises what is wrong with the call where it is made
        return _RoutedLists(self, invocation) if invocation.descriptor.is_async else self._lists(invocation)

    def _lists(self, call: Call) -> Generator[list[Any], None, None]:
        call.restart()
        if _get_running_loop() is not None:
            warn_on_event_loop(call)
        channel, version = self._choice
        if channel is None:
            self._channels.wait_until_known(call.deadline.remaining)
            channel, version = self._choose(call)
        while True:
            with closing(channel.invoke_stream(call)) as lists:
                try:
                    first = next(lists, None)
                except ComponentUnavailableException as error:
                    channel, version = self.chosen_after(error, call, version)
                    continue
                if first is not None:
                    yield first
                    yield from lists
                return

    async def chosen_async(self, call: Call) -> tuple[Channel, int]:
        """The channel of choice for a call, when the component is known."""
        channel, version = self._choice
        if channel is None:
            await self._channels.wait_until_known_async(call.deadline.remaining)
            channel, version = self._choose(call)
        return channel, version

    def _reset(self) -> None:
        """Choose again at the next call."""
        with self._lock:
            self._choice = (None, self._choice[1] + 1)

    def _after_fork(self) -> None:
        """In a forked child: choose again at the next call, which lets the registry follow the component there."""
        self._lock = threading.Lock()
        self._reset()

    def chosen_after(self, error: ComponentUnavailableException, call: Call, version: int) -> tuple[Channel, int]:
        """The channel after one that had no instance, if the registry has reported a change since that was chosen.

        Raises ``error`` otherwise, and for one that is not about the choice of an instance: an answer, or the failure
        of another call that was made on the way.
        """
        is_own_component = error.component in ("", self._channels.descriptor.name)
        repeatable = call.is_repeatable(error) and (call.descriptor.idempotent or not call.may_have_run)
        if not is_own_component or not repeatable or call.deadline.expired or version == self._choice[1]:
            raise error
        return self._choose(call)

    def _choose(self, call: Call) -> tuple[Channel, int]:
        _, version = self._choice
        channel = self._channels.choose(self._preferred)
        with self._lock:
            if version == self._choice[1]:  # else something has changed meanwhile, and the next call chooses again
                self._choice = (channel, version)
        call.adopt(channel.policy_of(call.descriptor))
        if self._preferred and channel.name != self._preferred and next(self._warnings) == 0:
            logger.warning(
                "component %s is not offered over the preferred channel %s; using %s until it is",
                self._channels.descriptor.name,
                self._preferred,
                channel.name,
            )
        return channel, version

    def __repr__(self) -> str:
        channel, _ = self._choice
        over = channel.name if channel is not None else self._preferred or "any channel"
        return f"{self._channels.descriptor.name} over {over}"


class _RoutedLists:
    """The lists of items of a call, over the channel of choice. Its holder closes it. Used by one task.

    No generator, which the event loop would keep account of.
    """

    __slots__ = ("_call", "_lists", "_router")

    def __init__(self, router: Router, call: Call) -> None:
        self._router = router
        self._call = call
        self._lists: Any = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Any]:
        items: list[Any] = await (self._begin() if self._lists is None else anext(self._lists))
        return items

    async def _begin(self) -> list[Any]:
        call = self._call
        call.restart()
        channel, version = await self._router.chosen_async(call)
        while True:
            self._lists = channel.invoke_stream(call)
            try:
                items: list[Any] = await anext(self._lists)
            except ComponentUnavailableException as error:
                await self.aclose()
                channel, version = self._router.chosen_after(error, call, version)
            else:
                return items

    async def aclose(self) -> None:
        """End the call."""
        if self._lists is not None:
            await self._lists.aclose()
