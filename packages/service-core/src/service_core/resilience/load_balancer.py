"""Load balancing: which instance of a component receives an attempt, and which are ejected."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from service_core.call import Call
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.policy import EffectivePolicy
from service_core.errors import ComponentUnavailableException, ServiceCommunicationException
from service_core.resilience.events import CallEvent, CallEventKind, CallObserver, attempt_observers, notify
from service_core.resilience.hedging.overdue import Overdue
from service_core.resilience.outlier_detector import OutlierDetector
from service_core.resilience.refused_methods import RefusedMethods
from service_core.resilience.retry_budget import RetryBudget
from service_core.resilience.selectors import Endpoint, LeastLoadedURLSelector, URLSelector
from service_core.resilience.throttle import Throttle

_NO_METADATA: Final[Mapping[str, Any]] = MappingProxyType({})


class LoadBalancer:
    """The instances of one component over one channel, as this process knows them. Safe to use from several threads."""

    def __init__(self) -> None:
        self.component = ""
        self.channel = ""
        self.selector: URLSelector = LeastLoadedURLSelector()
        self.observers: Sequence[CallObserver] = ()
        self.refused_methods = RefusedMethods()
        self.overdue = Overdue()
        self.throttles: dict[MethodDescriptor, Throttle] = {}
        """By method, for those of which calls were refused for overload."""
        self._endpoints: tuple[Endpoint, ...] = ()
        self.adopt(EffectivePolicy())
        _balancers.add(self)

    def adopt(self, policy: EffectivePolicy) -> None:
        """Apply the policy's retry budget and ejection rules; the budget starts afresh, ejections are forgotten."""
        self.policy = policy
        self.budget = RetryBudget(policy.retry_ratio, policy.retry_reserve)
        self.outliers = OutlierDetector(policy)

    def update(self, urls: Sequence[str], metadata: Mapping[str, Mapping[str, str]] = _NO_METADATA) -> None:
        """Use these addresses from the next attempt on; an address that stays keeps its load figures.

        ``metadata`` is what was registered with instances, by address.
        """
        known = {endpoint.url: endpoint for endpoint in self._endpoints}
        # Replaced as a whole, so that a call sees one state.
        self._endpoints = tuple(known.get(url) or Endpoint(url, is_new=bool(known)) for url in urls)
        for endpoint in self._endpoints:
            endpoint.metadata = metadata.get(endpoint.url, _NO_METADATA)
        self.outliers.keep(self._endpoints)
        self.refused_methods.keep(self._endpoints)

    def begin_anew(self) -> None:
        """Forget all but the addresses, in the child after a fork.

        Calls of the parent's other threads never end in the child, and locks that they hold are never released.
        """
        self._endpoints = tuple(Endpoint(endpoint.url, endpoint.metadata) for endpoint in self._endpoints)
        self.refused_methods = RefusedMethods()
        self.throttles = {}
        self.adopt(self.policy)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The instances in the registry's order."""
        return self._endpoints

    def throttle(self, call: Call) -> None:
        """Raise ServiceCommunicationException for a call that is not sent because all instances are overloaded."""
        throttle = self.throttles.get(call.descriptor)
        if throttle is not None and throttle.refuses():
            method = call.descriptor.where
            error = ServiceCommunicationException(
                f"{method}: not sent, since the instances of component '{self.component}' refuse most of its "
                f"calls for overload",
                retry_after=1.0,
            )
            facts = {"method": method, "correlation_id": call.correlation_id, "error": error}
            self.notify(CallEventKind.THROTTLED, url="", attempt=0, duration=0.0, **facts)
            raise error

    def refused_by_all(self, call: Call) -> None:
        """A call has ended because the instances refused it for overload."""
        self.throttles.setdefault(call.descriptor, Throttle()).refused_by_all()

    def choose(self, tried: Collection[Endpoint] = (), call: Call | None = None) -> Endpoint:
        """The instance for an attempt, none of ``tried`` if there is another.

        One that has refused the method of ``call`` for its version is the last choice. Raises
        ComponentUnavailableException.
        """
        usable: Sequence[Endpoint] = self._endpoints
        if not usable:
            raise ComponentUnavailableException(
                f"no instance of component '{self.component}' is registered for channel '{self.channel}'; the call "
                f"can be repeated when a server that hosts it is registered",
                component=self.component,
            )
        if len(usable) == 1:
            return usable[0]
        if self.refused_methods.until and call is not None:
            usable = self.refused_methods.without_refusal(call.descriptor, usable, tried) or usable
        if self.outliers.ejected:
            usable = self.outliers.usable(usable)
        if tried:
            usable = [endpoint for endpoint in usable if endpoint not in tried] or usable
        return self.selector.select_for(usable, call)

    @contextmanager
    def loaded(self, url: str) -> Iterator[None]:
        """Count a stream of the instance at an address as load, as long as the block lasts."""
        endpoint = next((endpoint for endpoint in self._endpoints if endpoint.url == url), Endpoint(url))
        endpoint.in_flight += 1
        try:
            yield
        finally:
            endpoint.in_flight -= 1

    def has_another(self, tried: Collection[Endpoint]) -> bool:
        """Whether there is a usable instance besides those that were tried."""
        return any(endpoint not in tried for endpoint in self.outliers.usable(self._endpoints))

    def has_candidate(self, method: MethodDescriptor, tried: Collection[Endpoint] = ()) -> bool:
        """Whether there is an instance besides ``tried`` that has not refused the method recently."""
        return bool(self.refused_methods.without_refusal(method, self._endpoints, tried))

    def failed(self, endpoint: Endpoint) -> bool:
        """The instance could not be reached or did not answer; True if it is ejected for that."""
        return self.outliers.failed(endpoint, self._endpoints)

    def answered_with_error(self, endpoint: Endpoint) -> bool:
        """The instance has answered with an error of its own; True if it is ejected for that."""
        return self.outliers.answered_with_error(endpoint, self._endpoints)

    def notify(self, kind: CallEventKind, **facts: Any) -> None:
        """Notify the observers, and those of the process."""
        notify(
            (*self.observers, *attempt_observers),
            CallEvent(kind=kind, component=self.component, channel=self.channel, **facts),
        )

    def view(self) -> list[dict[str, Any]]:
        """The state of the instances in this process, as JSON-like data."""
        now = time.monotonic()
        return [
            {
                "url": endpoint.url,
                "in_flight": endpoint.in_flight,
                "latency": endpoint.latency_at(now),
                "errors": endpoint.errors.at(now),
                "ejected": self.outliers.is_ejected(endpoint),
                **endpoint.metadata,
            }
            for endpoint in self._endpoints
        ]


_balancers: Final[weakref.WeakSet[LoadBalancer]] = weakref.WeakSet()


def _begin_anew() -> None:
    for balancer in _balancers:
        balancer.begin_anew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)
