"""The short way of requests for services: those that are right are answered without FastAPI, others are left to it.

FastAPI takes several times as long to find the arguments of a request as the plan of its route does. What it says about
wrong ones is what its users expect, so it gets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service_core.declaring.descriptors import NO_DEFAULT
from service_core.dispatch import Answer
from service_core.errors import ArgumentException
from service_core.rest import Place, RoutePlan
from service_core.rest.parameters import Parameter
from service_core.wire import MalformedData, context_from_headers, read_json
from service_server_fastapi.http1.asgi import send_answer
from service_server_fastapi.requests.admission import Disconnected, gone, headers_of
from service_server_fastapi.requests.disconnect import while_connected
from service_server_fastapi.requests.fast_path import ArrivedRequest, Direct
from service_server_fastapi.requests.rejections import Refused, unread
from service_server_fastapi.rest.route import RestRoute, path_of, replay

__all__ = ["DirectRoutes"]

Arguments = tuple[Any, ...]


class DirectRoutes:
    """Finds the route of a request, and gives an ASGI application that answers it."""

    def __init__(self, app: FastAPI, routes: Iterable[RestRoute]) -> None:
        """``app`` has the same routes, in the same order, and answers what is wrong."""
        self._app = app
        # By verb and number of segments, which saves looking at most of them.
        self._routes: dict[tuple[str, int], list[RestRoute]] = {}
        # What depends on a request, say for its user to be known, is an affair of FastAPI's.
        for route in () if app.router.dependencies else routes:
            key = route.plan.verb, len(route.plan.template.segments)
            self._routes.setdefault(key, []).append(route)

    def find(self, scope: Scope) -> Direct | None:
        """What answers a request, None if it is for none of the routes."""
        if not self._routes:
            return None
        path = path_of(scope)
        for route in self._routes.get((scope["method"], path.count("/")), ()):
            values = route.plan.template.match(path)
            if values is not None:
                return _Direct(route, values, self._app)
        return None


class _Direct:
    """Answers one request."""

    __slots__ = ("_app", "_route", "_values")

    def __init__(self, route: RestRoute, values: Mapping[str, str], app: ASGIApp) -> None:
        self._route = route
        self._values = values
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, headers = self._route, headers_of(scope)
        context = context_from_headers(headers)
        answer, body = None, b""
        try:
            with route.intake:
                route.check(scope, headers.get("content-type", ""))
                admitted = await route.admit(scope, context)
                if isinstance(admitted, Answer):
                    await send_answer(send, unread(admitted))
                    return
                body = await route.intake.read_body(receive, headers)
                route.check_type(body, headers.get("content-type", ""))
                arguments = _arguments(route.plan, self._values, scope, body)
                if arguments is not None:
                    answer = await while_connected(route.carry_out(arguments, admitted), receive)
        except Disconnected:
            answer = gone(context)
        except Refused as refused:
            await send_answer(send, route.refuse(refused, context))
            return
        if answer is None:
            await self._app(scope, replay(body, receive), send)
        else:
            await send_answer(send, answer)

    async def answer(self, request: ArrivedRequest) -> Answer | None:
        """The answer to a request that has arrived, None if something about it is wrong."""
        route, scope, body = self._route, request.scope, request.body
        try:
            with route.intake:
                route.check(scope, request.content_type)
                admitted = await route.admit(scope, request.context)
                if isinstance(admitted, Answer):
                    return admitted
                route.check_type(body, request.content_type)
                arguments = _arguments(route.plan, self._values, scope, body)
                return None if arguments is None else await route.carry_out(arguments, admitted)
        except Refused as refused:
            return route.refuse(refused, request.context)


def _arguments(plan: RoutePlan, path: Mapping[str, str], scope: Scope, body: bytes) -> Arguments | None:
    """The arguments of a request, None if something about them is wrong."""
    query: dict[str, list[str]] = {}
    if scope["query_string"]:
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            query.setdefault(name, []).append(value)
    arguments: list[Any] = []
    try:
        for parameter in plan.parameters:
            given = _given(parameter, path, query, scope)
            if parameter.place is Place.BODY and body:
                arguments.append(read_json(parameter.wire, body))
            elif given is not None:
                arguments.append(parameter.read(given))
            elif parameter.default is not NO_DEFAULT:
                arguments.append(parameter.default)
            else:
                return None
    except (ArgumentException, MalformedData):
        return None
    return tuple(arguments)


def _given(
    parameter: Parameter, path: Mapping[str, str], query: Mapping[str, list[str]], scope: Scope
) -> str | list[str] | None:
    """The text of an argument, the texts of a list; None if there is none."""
    if parameter.place is Place.PATH:
        return path[parameter.name]
    if parameter.place is Place.QUERY:
        texts = query.get(parameter.name)
        return texts if texts is None or parameter.is_list else texts[-1]
    if parameter.place is Place.HEADER:
        name = parameter.name.encode()
        return next((value.decode("latin-1") for known, value in scope["headers"] if known == name), None)
    return None
