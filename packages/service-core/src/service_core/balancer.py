"""Balancing: which instance of a component a channel asks, and whom it leaves alone for a while."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from service_core.budget import RetryBudget
from service_core.errors import ComponentUnavailableException
from service_core.events import CallEvent, CallEventKind, CallObserver, notify
from service_core.outliers import Outliers
from service_core.policy import Policy
from service_core.selector import Endpoint, LeastLoadedURLSelector, URLSelector

__all__ = ["Balancer"]


class Balancer:
    """The instances of one component over one channel, as this process knows them. Safe to use from several threads."""

    def __init__(self) -> None:
        self.component = ""
        self.channel = ""
        self.selector: URLSelector = LeastLoadedURLSelector()
        self.observers: Sequence[CallObserver] = ()
        self._endpoints: tuple[Endpoint, ...] = ()
        self.adopt(Policy())

    def adopt(self, policy: Policy) -> None:
        """Do as much for a call as the policy says, with a fresh budget and nobody ejected."""
        self.policy = policy
        self.budget = RetryBudget(policy.retry_ratio, policy.retry_reserve)
        self.outliers = Outliers(policy)

    def update(self, urls: Sequence[str]) -> None:
        """Use these addresses from the next attempt on; who stays keeps what is known of its load."""
        known = {endpoint.url: endpoint for endpoint in self._endpoints}
        # Replaced as a whole, so that a call sees one state.
        self._endpoints = tuple(known.get(url) or Endpoint(url) for url in urls)
        self.outliers.keep(self._endpoints)

    def endpoints(self) -> Sequence[Endpoint]:
        """The instances that there are now, at least one. Raises ComponentUnavailableException."""
        endpoints = self._endpoints
        if not endpoints:
            raise ComponentUnavailableException(
                f"nobody offers component '{self.component}' over channel '{self.channel}' at the moment; the call "
                f"can be repeated when a server that hosts it is registered",
                details={"component": self.component, "channel": self.channel},
            )
        return endpoints

    def choose(self, tried: Collection[Endpoint]) -> Endpoint:
        """The instance for an attempt, none of ``tried`` if there is another. Raises ComponentUnavailableException."""
        usable: Sequence[Endpoint] = self._endpoints or self.endpoints()
        if self.outliers.ejected:
            usable = self.outliers.usable(usable)
        if tried:
            usable = [endpoint for endpoint in usable if endpoint not in tried] or usable
        return self.selector.select(usable)

    def has_another(self, tried: Collection[Endpoint]) -> bool:
        """Whether there is an instance that may be asked and has not been."""
        return any(endpoint not in tried for endpoint in self.outliers.usable(self._endpoints))

    def failed(self, endpoint: Endpoint) -> bool:
        """The instance could not be asked or did not answer; True if it is ejected for that."""
        return self.outliers.failed(endpoint, self._endpoints)

    def tell(self, kind: CallEventKind, **facts: Any) -> None:
        """Tell the observers."""
        if self.observers:
            notify(self.observers, CallEvent(kind=kind, component=self.component, channel=self.channel, **facts))

    def view(self) -> list[dict[str, Any]]:
        """How the instances look from here, as JSON-like data."""
        now = time.monotonic()
        return [
            {
                "url": endpoint.url,
                "in_flight": endpoint.in_flight,
                "latency": endpoint.latency_at(now),
                "ejected": self.outliers.is_ejected(endpoint),
            }
            for endpoint in self._endpoints
        ]
