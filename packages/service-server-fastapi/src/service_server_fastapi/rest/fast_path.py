"""The fast path of requests for services: they are answered without FastAPI, in the form in which it answers.

FastAPI takes several times as long to find the arguments of a request as the plan of its route does. A request whose
arguments are wrong is answered here, too: on FastAPI's way its token would be verified and its body read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service_core.context import CallContext
from service_core.declaring.descriptors import NO_DEFAULT
from service_core.dispatch import Answer, TimedOut
from service_core.errors import ArgumentException
from service_core.rest import Place, RoutePlan
from service_core.rest.parameters import Parameter
from service_core.wire import LARGE, MalformedData, context_from_headers, read_json
from service_server_fastapi.http1.asgi import send_answer
from service_server_fastapi.requests.admission import Disconnected, gone, headers_of
from service_server_fastapi.requests.disconnect import while_connected
from service_server_fastapi.requests.fast_path import ArrivedRequest, Direct
from service_server_fastapi.requests.rejections import Refused, unread
from service_server_fastapi.rest.route import RestRoute, Wrong, path_of

__all__ = ["DirectRoutes"]

Arguments = tuple[Any, ...]


class DirectRoutes:
    """Finds the route of a request, and gives an ASGI application that answers it."""

    def __init__(self, app: FastAPI, routes: Iterable[RestRoute]) -> None:
        """``app`` has the same routes, in the same order."""
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
                return _Direct(route, values)
        return None


class _Direct:
    """Answers one request."""

    __slots__ = ("_route", "_values")

    def __init__(self, route: RestRoute, values: Mapping[str, str]) -> None:
        self._route = route
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, headers = self._route, headers_of(scope)
        context = context_from_headers(headers)
        try:
            with route.intake, route.intake.memory.share() as memory:
                route.check(scope, headers.get("content-type", ""))
                admitted = await route.admit(scope, context)
                if isinstance(admitted, Answer):
                    await send_answer(send, unread(admitted))
                    return
                body = await route.intake.read_body(receive, headers, memory)
                route.check_body(body, headers.get("content-type", ""))
                answer = await while_connected(self._carry_out(scope, body, admitted), receive)
        except Disconnected:
            answer = gone(context)
        except Refused as refused:
            answer = route.refuse(refused, context)
        await send_answer(send, answer)

    async def answer(self, request: ArrivedRequest) -> Answer:
        """The answer to a request that has arrived."""
        route, scope, body = self._route, request.scope, request.body
        try:
            with route.intake, route.intake.memory.share_of(len(body)):
                route.check(scope, request.content_type)
                admitted = await route.admit(scope, request.context)
                if isinstance(admitted, Answer):
                    return admitted
                route.check_body(body, request.content_type)
                return await self._carry_out(scope, body, admitted)
        except Refused as refused:
            return route.refuse(refused, request.context)

    async def _carry_out(self, scope: Scope, body: bytes, context: CallContext) -> Answer:
        route = self._route
        try:
            if len(body) < LARGE:
                arguments = _arguments(route.plan, self._values, scope, body)
            else:
                time_left = None if context.deadline is None else context.deadline.remaining
                arguments = await route.readers.run(_arguments, (route.plan, self._values, scope, body), time_left)
        except TimedOut:
            return route.late(context)
        except _WrongArguments as wrong:
            return route.wrong_arguments(wrong.places, context)
        return await route.carry_out(arguments, context)


class _WrongArguments(Exception):
    """Arguments that are missing or do not fit, each as a place in the request."""

    def __init__(self, places: list[Wrong]) -> None:
        super().__init__()
        self.places = places


def _arguments(plan: RoutePlan, path: Mapping[str, str], scope: Scope, body: bytes) -> Arguments:
    """The arguments of a request. Raises _WrongArguments."""
    query: dict[str, list[str]] = {}
    if scope["query_string"]:
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            query.setdefault(name, []).append(value)
    arguments: list[Any] = []
    wrong: list[Wrong] = []
    for parameter in plan.parameters:
        given = body if parameter.place is Place.BODY else _given(parameter, path, query, scope)
        try:
            arguments.append(_argument(parameter, given))
        except MalformedData as error:
            wrong.append({"loc": [parameter.place.value], "msg": str(error), "type": "json_invalid"})
        except ArgumentException as error:
            wrong += _placed(parameter, error)
    if wrong:
        wrong.sort(key=lambda one: _ORDER.index(one["loc"][0]))
        raise _WrongArguments(wrong)
    return tuple(arguments)


_ORDER: Final = [place.value for place in (Place.PATH, Place.QUERY, Place.HEADER, Place.BODY)]


def _argument(parameter: Parameter, given: bytes | str | list[str] | None) -> Any:
    if isinstance(given, bytes) and given:
        return read_json(parameter.wire, given)
    if given is not None and not isinstance(given, bytes):
        return parameter.read(given)
    if parameter.default is not NO_DEFAULT:
        return parameter.default
    raise ArgumentException(
        "an argument is missing", details=[{"loc": [parameter.name], "msg": "Field required", "type": "missing"}]
    )


def _placed(parameter: Parameter, error: ArgumentException) -> list[Wrong]:
    """The wrong places, which begin with the parameter's name, as places in the request."""
    places = error.details or [{"loc": [parameter.name], "msg": error.message, "type": "value_error"}]
    first = [parameter.place.value] if parameter.place is Place.BODY else [parameter.place.value, parameter.name]
    return [{**place, "loc": [*first, *place["loc"][1:]]} for place in places]


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
