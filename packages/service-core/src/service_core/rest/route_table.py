"""The routes of a component or server: their order, and the check that no argument leads to another route.

A path such as ``/users/me`` belongs to its own route and not to ``/users/{name}``, so "me" is not a name that can be
sent there. Servers that decode ``%2F`` before they look for a route, as many do, would take ``a/b`` for two segments;
where that means another route it is not sent either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor
from service_core.errors import ArgumentException, DeclarationException, LocalServiceException
from service_core.rest.request import RestRequest
from service_core.rest.route_codec import RoutePlan
from service_core.rest.verbs import route_of

__all__ = ["RouteTable"]


class RouteTable:
    """The routes, the more exact ones first. Immutable, shared by threads."""

    def __init__(self, plans: Iterable[RoutePlan]) -> None:
        """Sort them. Raises DeclarationException if two are the same."""
        self._plans = sorted(plans, key=lambda plan: plan.template.order)
        self._by_method = {plan.method: plan for plan in self._plans}
        for one, other in self.overlaps():
            if one.template.is_same(other.template):
                raise DeclarationException(
                    f"{one.method.where} and {other.method.where} have the same route, {one.verb} "
                    f"{one.template.text}; give one another path or verb"
                )
        self._before = {
            plan: [other for other in self._plans[:index] if _may_meet(other, plan)]
            for index, plan in enumerate(self._plans)
        }

    @classmethod
    def of_component(cls, component: ComponentDescriptor) -> RouteTable:
        """The routes of a component. Raises DeclarationException if one contradicts its method or another."""
        return cls(
            RoutePlan(component, service, method, route)
            for service in component.services
            for method in service.methods.values()
            if (route := route_of(method.function)) is not None
        )

    def __iter__(self) -> Iterator[RoutePlan]:
        return iter(self._plans)

    def overlaps(self) -> Iterator[tuple[RoutePlan, RoutePlan]]:
        """The pairs of routes that could take the same request, the one that gets it first."""
        return ((one, other) for one, other in combinations(self._plans, 2) if _may_meet(one, other))

    def plan(self, method: MethodDescriptor) -> RoutePlan:
        """The route of a method. Raises LocalServiceException if it has none."""
        plan = self._by_method.get(method)
        if plan is None:
            raise LocalServiceException(
                f"{method.where} has no route; decorate it with @get(...), @post(...) or another verb of "
                f"service_core.rest, or call it over another channel"
            )
        return plan

    def write(self, plan: RoutePlan, arguments: tuple[object, ...]) -> RestRequest:
        """A call. Raises ArgumentException if an argument does not fit, or would lead to another route."""
        request = plan.write(arguments)
        taken = next((other for other in self._before[plan] if other.template.match(request.path) is not None), None)
        if taken is None and "%2F" in request.path:
            decoded = request.path.replace("%2F", "/")
            others = (other for other in self._plans if other.verb == plan.verb)
            taken = next((other for other in others if other.template.match(decoded) is not None), None)
        if taken is not None:
            raise ArgumentException(
                f"{plan.method.where}: the path of these arguments belongs to {taken.method.where} "
                f"({taken.verb} {taken.template.text}); call that"
            )
        return request


def _may_meet(one: RoutePlan, other: RoutePlan) -> bool:
    return one.verb == other.verb and one.template.meets(other.template)
