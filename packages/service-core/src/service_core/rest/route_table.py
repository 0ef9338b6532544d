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
from service_core.rest.route_codec import RouteCodec
from service_core.rest.verbs import route_of


class RouteTable:
    """The routes, the more exact ones first. Immutable, shared by threads."""

    def __init__(self, route_codecs: Iterable[RouteCodec]) -> None:
        """Sort them. Raises DeclarationException if two are the same."""
        self._route_codecs = sorted(route_codecs, key=lambda route_codec: route_codec.template.order)
        self._by_method = {route_codec.method: route_codec for route_codec in self._route_codecs}
        for one, other in self.overlaps():
            if one.template.is_same(other.template):
                raise DeclarationException(
                    f"{one.method.where} and {other.method.where} have the same route, {one.verb} "
                    f"{one.template.text}; give one another path or verb"
                )
        self._before = {
            route_codec: [other for other in self._route_codecs[:index] if _may_meet(other, route_codec)]
            for index, route_codec in enumerate(self._route_codecs)
        }

    @classmethod
    def of_component(cls, component: ComponentDescriptor) -> RouteTable:
        """The routes of a component. Raises DeclarationException if one contradicts its method or another."""
        return cls(
            RouteCodec(component, service, method, route)
            for service in component.services
            for method in service.methods.values()
            if (route := route_of(method.function)) is not None
        )

    def __iter__(self) -> Iterator[RouteCodec]:
        return iter(self._route_codecs)

    def overlaps(self) -> Iterator[tuple[RouteCodec, RouteCodec]]:
        """The pairs of routes that could take the same request, the one that gets it first."""
        return ((one, other) for one, other in combinations(self._route_codecs, 2) if _may_meet(one, other))

    def route_codec(self, method: MethodDescriptor) -> RouteCodec:
        """The route of a method. Raises LocalServiceException if it has none."""
        route_codec = self._by_method.get(method)
        if route_codec is None:
            raise LocalServiceException(
                f"{method.where} has no route; decorate it with @get(...), @post(...) or another verb of "
                f"service_core.rest, or call it over another channel"
            )
        return route_codec

    def write(self, route_codec: RouteCodec, arguments: tuple[object, ...]) -> RestRequest:
        """A call. Raises ArgumentException if an argument does not fit, or would lead to another route."""
        request = route_codec.write(arguments)
        taken = next(
            (other for other in self._before[route_codec] if other.template.match(request.path) is not None), None
        )
        if taken is None and "%2F" in request.path:
            decoded = request.path.replace("%2F", "/")
            others = (other for other in self._route_codecs if other.verb == route_codec.verb)
            taken = next((other for other in others if other.template.match(decoded) is not None), None)
        if taken is not None:
            raise ArgumentException(
                f"{route_codec.method.where}: the path of these arguments belongs to {taken.method.where} "
                f"({taken.verb} {taken.template.text}); call that"
            )
        return request


def _may_meet(one: RouteCodec, other: RouteCodec) -> bool:
    return one.verb == other.verb and one.template.meets(other.template)
