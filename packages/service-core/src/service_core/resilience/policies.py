"""The policies that apply to the calls of one component over one channel."""

from __future__ import annotations

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import EffectivePolicy, Policy


class Policies:
    """Policies in their order of precedence: the method's, the component's, the channel's, the manager's.

    Immutable; safe to use from several threads.
    """

    __slots__ = ("channel", "component", "effective", "manager")

    def __init__(
        self, *, component: Policy | None = None, channel: Policy | None = None, manager: Policy | None = None
    ) -> None:
        self.component = component
        """What the manager and the interface set for the component."""
        self.channel = channel
        """What the channel sets itself."""
        self.manager = manager
        """What the manager sets for all components."""
        self.effective: dict[MethodDescriptor | None, EffectivePolicy] = {}
        """What :meth:`of` has returned so far, by method."""

    def of(self, method: MethodDescriptor | None) -> EffectivePolicy:
        """The policy for the calls of a method; with None what all calls of the channel share."""
        found = self.effective.get(method)
        if found is None:
            own = method.policy if method is not None else None
            found = Policy.merge(own, self.component, self.channel, self.manager).resolve()
            self.effective[method] = found  # two threads may both do so, with equal results
        return found

    def with_channel(self, channel: Policy) -> Policies:
        """The same policies with another one of the channel."""
        return Policies(component=self.component, channel=channel, manager=self.manager)
