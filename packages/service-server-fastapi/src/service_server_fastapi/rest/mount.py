"""Mounting: the routes of hosted services, in the user's application."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service_core import DeclarationException
from service_core.dispatch import Target
from service_core.rest import RouteCodec, RouteTable, route_of
from service_server_fastapi.requests.sending import send_answer
from service_server_fastapi.rest.openapi import complete_document
from service_server_fastapi.rest.reading import lists_arguments
from service_server_fastapi.rest.resources import RouteResources
from service_server_fastapi.rest.route import RestRoute
from service_server_fastapi.rest.route_calls import unknown_route
from service_server_fastapi.rest.stream_route import StreamRoute


def mount_services(app: FastAPI, targets: Iterable[Target], resources: RouteResources) -> list[RestRoute]:
    """Add the routes before all others, the more exact ones first; returns them in that order.

    Raises DeclarationException if a route contradicts its method, or would take a request that is another's.
    """
    routed = {
        RouteCodec(target.hosted.component, target.hosted.service, target.method_codec.method, route): target
        for target in targets
        if (route := route_of(target.method_codec.method.function)) is not None
    }
    table = RouteTable(routed)
    _refuse_unknown(table)
    for route_codec in table:
        for known in app.routes:
            _refuse_hiding(route_codec, known)
    routes = [
        (StreamRoute if route_codec.method.has_streams else RestRoute)(
            route_codec,
            routed[route_codec],
            resources,
            app=app,
            verbs=[other.verb for other in table if other.template.is_same(route_codec.template)],
        )
        for route_codec in table
    ]
    app.router.routes[0:0] = routes
    complete_document(app, routes)
    if routes:
        app.router.default = _with_unknown_routes(app.router.default)
    return routes


def _with_unknown_routes(default: ASGIApp) -> ASGIApp:
    """What answers requests that are for no route: our clients in our form, all others as before."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and lists_arguments(scope):
            await send_answer(send, unknown_route(scope))
        else:
            await default(scope, receive, send)

    return answer


def _refuse_unknown(table: RouteTable) -> None:
    """A client knows the routes of one component, and could not know that an argument leads to another's."""
    for one, other in table.overlaps():
        if one.component is not other.component:
            raise DeclarationException(
                f"{one.verb} {one.template.text} of {one.method.where} and {other.verb} {other.template.text} of "
                f"{other.method.where} can mean the same request, but belong to two components; give one of the "
                f'services a prefix of its own with @rest("/prefix")'
            )


def _refuse_hiding(route_codec: RouteCodec, known: BaseRoute) -> None:
    if not isinstance(known, Route) or "{" in known.path:
        return
    if (
        route_codec.verb in (known.methods or (route_codec.verb,))
        and route_codec.template.match(known.path) is not None
    ):
        raise DeclarationException(
            f"{route_codec.verb} {route_codec.template.text} of {route_codec.method.where} would take '{known.path}', "
            f'another route of the application; give the service a prefix of its own with @rest("/prefix")'
        )
