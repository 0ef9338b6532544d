"""Channels: the client side of a protocol, for one component."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from service_core.addresses import ChannelInstances
from service_core.call import Call
from service_core.calling.proxy import InvocationHandler
from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor
from service_core.declaring.policy import EffectivePolicy, Policy
from service_core.errors import LocalServiceException
from service_core.resilience.hedging.hedge_sync import AnswerWait
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.policies import Policies
from service_core.resilience.retrying import run, run_async, run_hedged, run_hedged_async
from service_core.resilience.selectors import (
    FirstURLSelector,
    LeastLoadedURLSelector,
    RoundRobinURLSelector,
    URLSelector,
)

# Inside of the class the names are its own.
_URLSelector: TypeAlias = URLSelector
_FirstURLSelector: TypeAlias = FirstURLSelector
_RoundRobinURLSelector: TypeAlias = RoundRobinURLSelector


class Channel(InvocationHandler):
    """The base of all channels.

    One object serves one component, for all threads, tasks and event loops of the process. Its life: made, then
    :meth:`setup`, then :meth:`customize`, then calls and new addresses at any time, then :meth:`close`.

    A subclass implements :meth:`invoke` and :meth:`invoke_async`, best with :meth:`run` and :meth:`run_async`, which
    choose instances, retry within the deadline and notify observers. One that does without them may raise a bare
    ComponentUnavailableException: nothing was sent then, and another channel carries the call if one is offered.
    """

    URLSelector: TypeAlias = _URLSelector
    FirstURLSelector: TypeAlias = _FirstURLSelector
    RoundRobinURLSelector: TypeAlias = _RoundRobinURLSelector

    name = ""
    """The name of the channel in addresses; set by ``@channel``."""

    def __init__(self) -> None:
        self.address: ChannelInstances | None = None
        """The registered instances, None while there is none for this channel."""
        self._component: ComponentDescriptor | None = None
        self.forward_token = False
        """Whether calls carry the bearer token of the calling context; see ``@component(forward_token=True)``."""
        self.balancer = LoadBalancer()
        """The instances, their load and their failures."""
        self._policies = Policies()

    # life

    def setup(self, component_descriptor: ComponentDescriptor, address: ChannelInstances | None) -> None:
        """Bind the channel to a component; called once, before :meth:`customize`."""
        self._component = component_descriptor
        self.forward_token = self.forward_token or component_descriptor.forward_token
        if self._policies.component is None and component_descriptor.policy is not None:
            self.policies = Policies(component=component_descriptor.policy, channel=self._policies.channel)
        self.balancer.component, self.balancer.channel = component_descriptor.name, self.name
        self.set_address(address)

    def customize(self) -> None:
        """Does nothing; subclasses and advice choose a selector or a policy here."""

    def set_address(self, address: ChannelInstances | None) -> None:
        """Use these instances from the next attempt on; None if there are none. Any thread may call it."""
        if address is None:
            self.balancer.update(())
        else:
            self.balancer.update(address.urls, address.metadata)
        self.address = address

    def close(self) -> None:
        """Release what sync calls have opened; safe to call twice."""

    async def aclose(self) -> None:
        """Release what calls on the running event loop have opened, and all that :meth:`close` releases."""
        self.close()

    # balancing

    @property
    def policy(self) -> Policy:
        """What this channel sets itself; the method's and the component's policies take precedence."""
        return self._policies.channel or Policy()

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.policies = self._policies.with_channel(policy)

    @property
    def policies(self) -> Policies:
        """All policies that apply to the calls of this channel."""
        return self._policies

    @policies.setter
    def policies(self, policies: Policies) -> None:
        self._policies = policies
        self.balancer.adopt(policies.of(None))

    def policy_of(self, method: MethodDescriptor) -> EffectivePolicy:
        """The policy for calls of a method, merged field by field."""
        policies = self._policies
        return policies.effective.get(method) or policies.of(method)

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
        """The address that the selector chooses for one call. Raises ComponentUnavailableException."""
        return self.balancer.choose().url

    def run(self, call: Call, send: Callable[[str], Any]) -> Any:
        """Carry out a call with load balancing, retries and events; ``send`` sends it to one address.

        See :func:`service_core.resilience.retrying.run` for what ``send`` returns and raises.
        """
        return run(call, self.balancer, send)

    def run_hedged(self, call: Call, send: Callable[[str, AnswerWait | None], Any]) -> Any:
        """As :meth:`run`, for a ``send`` that can be interrupted: an idempotent call is then hedged.

        See :func:`service_core.resilience.retrying.run_hedged`.
        """
        return run_hedged(call, self.balancer, send)

    def run_async(self, call: Call, send: Callable[[str], Awaitable[Any]]) -> Coroutine[Any, Any, Any]:
        """As :meth:`run`, for an ``async def`` method; ``send`` is cancelled at ``call.deadline``."""
        return run_async(call, self.balancer, send)

    def run_hedged_async(self, call: Call, send: Callable[[str], Awaitable[Any]]) -> Coroutine[Any, Any, Any]:
        """As :meth:`run_async`, for a ``send`` that raises DeadlineExceeded at ``call.deadline`` itself."""
        return run_hedged_async(call, self.balancer, send)

    def __repr__(self) -> str:
        component = self._component.name if self._component is not None else "no component"
        return f"<channel {self.name!r} of {component}>"
