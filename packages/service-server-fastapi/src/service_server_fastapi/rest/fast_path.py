"""The fast path of requests for services: they are answered without FastAPI, in the form in which it answers.

FastAPI takes several times as long to find the arguments of a request as the plan of its route does. A request whose
arguments are wrong is answered here, too: on FastAPI's way its token would be verified and its body read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from service_core import CallContext
from service_core.dispatch import Response, TimedOut
from service_core.wire import context_from_headers
from service_server_fastapi.access.rejections import Rejection
from service_server_fastapi.requests.admission import Disconnected, disconnected, headers_of
from service_server_fastapi.requests.disconnect import while_connected
from service_server_fastapi.requests.fast_path import FastPath, ReceivedRequest, Responding
from service_server_fastapi.requests.memory_budget import MemoryShare
from service_server_fastapi.requests.sending import send_answer
from service_server_fastapi.rest.reading import WrongArguments
from service_server_fastapi.rest.route import RestRoute
from service_server_fastapi.rest.route_calls import path_of
from service_server_fastapi.rest.stream_route import StreamRoute


class FastRoutes:
    """Finds the route of a request, and returns an ASGI application that answers it."""

    def __init__(self, app: FastAPI, routes: Iterable[RestRoute]) -> None:
        """``app`` has the same routes, in the same order."""
        # By verb and number of segments, which saves looking at most of them.
        self._routes: dict[tuple[str, int], list[RestRoute]] = {}
        # Dependencies of the application, such as one that finds the user, need FastAPI.
        for route in () if app.router.dependencies else routes:
            key = route.route_codec.verb, len(route.route_codec.template.segments)
            self._routes.setdefault(key, []).append(route)

    def find(self, scope: Scope) -> FastPath | None:
        """What answers a request, None if it is for none of the routes."""
        if not self._routes:
            return None
        path = path_of(scope)
        for route in self._routes.get((scope["method"], path.count("/")), ()):
            values = route.route_codec.template.match(path)
            if values is not None:
                return _FastStreamRoute(route, values) if isinstance(route, StreamRoute) else _FastRoute(route, values)
        return None


class _FastRoute:
    """Answers one request."""

    __slots__ = ("_route", "_values")

    def __init__(self, route: RestRoute, values: Mapping[str, str]) -> None:
        self._route = route
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, headers = self._route, headers_of(scope)
        context = context_from_headers(headers)
        try:
            with route.admission, route.admission.memory.share() as memory:
                received = await route.receive(scope, receive, headers, context, memory)
                if isinstance(received, Response):
                    await send_answer(send, received)
                    return
                admitted, body = received
                answer = await while_connected(self._carry_out(scope, body, admitted, memory), receive)
        except Disconnected:
            answer = disconnected(context)
        except Rejection as refused:
            answer = route.refuse(refused, context)
        await send_answer(send, answer)

    async def answer(self, request: ReceivedRequest, connection: Responding) -> Response:
        """The answer to a request that has arrived."""
        route, scope, body = self._route, request.scope, request.body
        try:
            with route.admission, route.admission.memory.share_of(len(body)) as memory:
                route.check(scope, request.content_type)
                admitted = await route.admit(scope, request.context)
                if isinstance(admitted, Response):
                    return admitted
                route.check_body(body, request.content_type)
                return await self._carry_out(scope, body, admitted, memory)
        except Rejection as refused:
            return route.refuse(refused, request.context)

    async def _carry_out(self, scope: Scope, body: bytes, context: CallContext, memory: MemoryShare) -> Response:
        route = self._route
        try:
            arguments = await route.read_arguments(self._values, scope, body, context, memory)
        except TimedOut:
            return route.late(context)
        except WrongArguments as wrong:
            return route.wrong_arguments(wrong.locations, context)
        return await route.carry_out(arguments, context)


class _FastStreamRoute:
    """Answers one request with a stream, or one that is a stream."""

    __slots__ = ("_route", "_values")

    def __init__(self, route: StreamRoute, values: Mapping[str, str]) -> None:
        self._route = route
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._route.serve(scope, self._values, receive, send)

    async def answer(self, request: ReceivedRequest, connection: Responding) -> Response | None:
        """The answer to a request that has arrived; None for one that is a stream, which goes over ASGI."""
        if self._route.route_codec.input_items is not None:
            return None
        return await self._route.answer(request, self._values, connection)
