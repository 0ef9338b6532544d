"""Channels: the client's end of a protocol for one component."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeAlias

from service_core.calling.proxy import Invocation, InvocationHandler
from service_core.context import Deadline, current_deadline
from service_core.declaring.address import ChannelInstances
from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor
from service_core.declaring.policy import Policy
from service_core.errors import LocalServiceException
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.retrying import Attempts, earlier_attempts
from service_core.resilience.selectors import (
    FirstURLSelector,
    LeastLoadedURLSelector,
    RoundRobinURLSelector,
    URLSelector,
)

__all__ = ["Channel"]

# Inside of the class the names are its own.
_URLSelector: TypeAlias = URLSelector
_FirstURLSelector: TypeAlias = FirstURLSelector
_RoundRobinURLSelector: TypeAlias = RoundRobinURLSelector


class Channel(InvocationHandler):
    """The base of all channels.

    One object serves one component, for all threads, tasks and event loops of the process. Its life: made, then
    :meth:`setup`, then :meth:`customize`, then calls and new addresses at any time, then :meth:`close`.
    """

    URLSelector: TypeAlias = _URLSelector
    FirstURLSelector: TypeAlias = _FirstURLSelector
    RoundRobinURLSelector: TypeAlias = _RoundRobinURLSelector

    name = ""
    """The name of the channel in addresses; set by ``@channel``."""

    def __init__(self) -> None:
        self.address: ChannelInstances | None = None
        """What the registry said last, None while nobody offers this channel."""
        self._component: ComponentDescriptor | None = None
        self.balancer = LoadBalancer()
        """The instances, how they have answered, and who gets the next call."""

    # life

    def setup(self, component_descriptor: ComponentDescriptor, address: ChannelInstances | None) -> None:
        """Bind the channel to a component; called once, before :meth:`customize`."""
        self._component = component_descriptor
        self.balancer.component, self.balancer.channel = component_descriptor.name, self.name
        self.set_address(address)

    def customize(self) -> None:
        """Nothing; a place for advice and subclasses to choose a selector, a policy and the like."""

    def set_address(self, address: ChannelInstances | None) -> None:
        """Use these instances from the next attempt on; None if there are none. Any thread may call it."""
        self.balancer.update(address.urls if address is not None else ())
        self.address = address

    def close(self) -> None:
        """Release what sync calls have opened; safe to call twice."""

    async def aclose(self) -> None:
        """Release what calls on the running event loop have opened, and all that :meth:`close` releases."""
        self.close()

    # balancing

    @property
    def policy(self) -> Policy:
        """How much is done for a call of this channel."""
        return self.balancer.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.balancer.adopt(policy)

    def select_first_url(self) -> None:
        """Send every call to the first instance."""
        self.balancer.selector = FirstURLSelector()

    def select_round_robin(self) -> None:
        """Send calls to all instances in turn."""
        self.balancer.selector = RoundRobinURLSelector()

    def select_least_loaded(self) -> None:
        """Send a call to the less loaded of two random instances; the default."""
        self.balancer.selector = LeastLoadedURLSelector()

    def select_by(self, selector: _URLSelector) -> None:
        """Send calls where ``selector`` says."""
        self.balancer.selector = selector

    # for subclasses

    @property
    def component_descriptor(self) -> ComponentDescriptor:
        """The component that is called. Raises LocalServiceException before :meth:`setup`."""
        if self._component is None:
            raise LocalServiceException(f"{type(self).__name__} is not bound to a component yet; call setup() first")
        return self._component

    def get_url(self) -> str:
        """The address for one call, as the selector chooses. Raises ComponentUnavailableException."""
        return self.balancer.choose(()).url

    def attempts(self, method: MethodDescriptor) -> Attempts:
        """Begin a call: its deadline is that of the context, else the policy's timeout from now.

        A call that comes here because another channel has lost its instances goes on: its deadline stays the same, and
        the attempts that it has had count.
        """
        balancer = self.balancer
        deadline = current_deadline()
        if deadline is None:
            deadline = Deadline.after((method.policy or balancer.policy).timeout)
        return Attempts(method, deadline, balancer, earlier_attempts.get())

    @abstractmethod
    def invoke(self, invocation: Invocation) -> Any:
        """Carry out the call of a ``def`` method and return its result."""

    @abstractmethod
    async def invoke_async(self, invocation: Invocation) -> Any:
        """Carry out the call of an ``async def`` method and return its result."""

    def __repr__(self) -> str:
        component = self._component.name if self._component is not None else "no component"
        return f"<channel {self.name!r} of {component}>"
