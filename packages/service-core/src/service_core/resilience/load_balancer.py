"""Balancing: which instance of a component a channel asks, and whom it leaves alone for a while."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Collection, Sequence
from typing import Any, Final

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException
from service_core.resilience.events import CallEvent, CallEventKind, CallObserver, notify
from service_core.resilience.outlier_detector import OutlierDetector
from service_core.resilience.refused_methods import RefusedMethods
from service_core.resilience.retry_budget import RetryBudget
from service_core.resilience.selectors import Endpoint, LeastLoadedURLSelector, URLSelector

__all__ = ["LoadBalancer"]


class LoadBalancer:
    """The instances of one component over one channel, as this process knows them. Safe to use from several threads."""

    def __init__(self) -> None:
        self.component = ""
        self.channel = ""
        self.selector: URLSelector = LeastLoadedURLSelector()
        self.observers: Sequence[CallObserver] = ()
        self.refused_methods = RefusedMethods()
        self._endpoints: tuple[Endpoint, ...] = ()
        self.adopt(Policy())
        _balancers.add(self)

    def adopt(self, policy: Policy) -> None:
        """Do as much for a call as the policy says, with a fresh budget and nobody ejected."""
        self.policy = policy
        self.budget = RetryBudget(policy.retry_ratio, policy.retry_reserve)
        self.outliers = OutlierDetector(policy)

    def update(self, urls: Sequence[str]) -> None:
        """Use these addresses from the next attempt on; who stays keeps what is known of its load."""
        known = {endpoint.url: endpoint for endpoint in self._endpoints}
        # Replaced as a whole, so that a call sees one state.
        self._endpoints = tuple(known.get(url) or Endpoint(url) for url in urls)
        self.outliers.keep(self._endpoints)
        self.refused_methods.keep(self._endpoints)

    def begin_anew(self) -> None:
        """Forget all but the addresses.

        What a process knows is of no use to the child that it forks: calls of its other threads end there alone, and
        locks that they hold are never released.
        """
        self._endpoints = tuple(Endpoint(endpoint.url) for endpoint in self._endpoints)
        self.refused_methods = RefusedMethods()
        self.adopt(self.policy)

    def endpoints(self, attempts: int = 0) -> Sequence[Endpoint]:
        """The instances that there are now, at least one.

        Raises ComponentUnavailableException, whose details say how many ``attempts`` the call has had before.
        """
        endpoints = self._endpoints
        if not endpoints:
            raise ComponentUnavailableException(
                f"nobody offers component '{self.component}' over channel '{self.channel}' at the moment; the call "
                f"can be repeated when a server that hosts it is registered",
                details={"component": self.component, "channel": self.channel, "attempts": attempts},
            )
        return endpoints

    def choose(
        self, tried: Collection[Endpoint], attempts: int = 0, method: MethodDescriptor | None = None
    ) -> Endpoint:
        """The instance for an attempt after so many, none of ``tried`` if there is another.

        One that has refused ``method`` is the last choice. Raises ComponentUnavailableException.
        """
        usable: Sequence[Endpoint] = self._endpoints or self.endpoints(attempts)
        if self.refused_methods and method is not None:
            usable = self.refused_methods.willing(method, usable, tried) or usable
        if self.outliers.ejected:
            usable = self.outliers.usable(usable)
        if tried:
            usable = [endpoint for endpoint in usable if endpoint not in tried] or usable
        return self.selector.select(usable)

    def has_another(self, tried: Collection[Endpoint]) -> bool:
        """Whether there is an instance that may be asked and has not been."""
        return any(endpoint not in tried for endpoint in self.outliers.usable(self._endpoints))

    def has_willing(self, method: MethodDescriptor, tried: Collection[Endpoint] = ()) -> bool:
        """Whether there is an instance that has not refused the method lately and is not among ``tried``."""
        return bool(self.refused_methods.willing(method, self._endpoints, tried))

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


_balancers: Final[weakref.WeakSet[LoadBalancer]] = weakref.WeakSet()


def _begin_anew() -> None:
    for balancer in _balancers:
        balancer.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)
