"""Selectors that look at the load of instances, or at nothing."""

from __future__ import annotations

import itertools
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence

from service_core.call import Call
from service_core.resilience.selectors.endpoint import Endpoint


class URLSelector(ABC):
    """Decides which instance gets a call. Called by many threads and tasks at once."""

    @abstractmethod
    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Choose one of at least one endpoint. The sequence may differ from call to call.

        It is not called for a component that has one instance.
        """

    def select_for(self, endpoints: Sequence[Endpoint], call: Call | None) -> Endpoint:
        """As :meth:`select`, for a selector that depends on the call; None if there is no call, only an address."""
        del call
        return self.select(endpoints)


class FirstURLSelector(URLSelector):
    """Always the first: the registry's order is an order of preference."""

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """The first endpoint."""
        return endpoints[0]


class RoundRobinURLSelector(URLSelector):
    """One after the other. Calls that run at once never get the same turn."""

    def __init__(self) -> None:
        self._turns = itertools.count()  # next() on it is atomic

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """The endpoint whose turn it is, however many there are now."""
        return endpoints[next(self._turns) % len(endpoints)]


class LeastLoadedURLSelector(URLSelector):
    """The better of two random ones, by calls in flight and recent latency.

    Two choices are nearly as good as comparing all, and do not make every client rush to the same instance
    (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
    """

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """The endpoint with the lower cost of two different random ones."""
        count = len(endpoints)
        if count == 1:
            return endpoints[0]
        first = int(random.random() * count)  # noqa: S311 - spreads load, guards nothing
        second = (first + 1 + int(random.random() * (count - 1))) % count  # noqa: S311
        one, other = endpoints[first], endpoints[second]
        if one.cost > other.cost:
            one, other = other, one
        return other if one.warm_at and one.is_ruled_out() else one
