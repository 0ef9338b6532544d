"""A route of a service in the user's FastAPI application."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from service_core import call_context, current_context
from service_core.dispatch import (
    Response,
    Target,
    TimedOut,
)
from service_core.rest import RouteCodec
from service_core.wire import context_from_headers
from service_server_fastapi.access.rejections import Rejection
from service_server_fastapi.requests.admission import Disconnected, disconnected, headers_of
from service_server_fastapi.requests.disconnect import DisconnectWatch
from service_server_fastapi.requests.sending import send_answer
from service_server_fastapi.rest.arguments import signature_of
from service_server_fastapi.rest.openapi import documented
from service_server_fastapi.rest.reading import WrongArguments, lists_arguments
from service_server_fastapi.rest.resources import RouteResources
from service_server_fastapi.rest.route_calls import RouteCalls, path_of, unknown_route

ARGUMENTS: Final = "service.arguments"
"""The key of a scope for the arguments of the caller."""
WRONG: Final = "service.wrong_arguments"
"""The key of a scope for the places of those that are missing or do not fit."""


class RestRoute(RouteCalls, APIRoute):
    """A route that FastAPI documents; the codec of the route reads its arguments."""

    def __init__(
        self,
        route_codec: RouteCodec,
        target: Target,
        resources: RouteResources,
        *,
        app: FastAPI,
        verbs: Sequence[str],
    ) -> None:
        """``verbs`` are those of all routes with this path."""
        RouteCalls.__init__(self, route_codec, target, resources)
        self._verbs: Final = ", ".join(verbs)
        APIRoute.__init__(
            self,
            route_codec.template.text,
            self._endpoint(),
            methods=[route_codec.verb],
            dependencies=app.router.dependencies,
            dependency_overrides_provider=app,
            **documented(
                route_codec, secured=self.calls.authentication.is_required and not route_codec.method.anonymous
            ),
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Compare the path as it came, so that an encoded slash does not divide a value."""
        values = self.route_codec.template.match(path_of(scope)) if scope["type"] == "http" else None
        if values is None:
            return Match.NONE, {}
        child = {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **values}, "route": self}
        return (Match.FULL if scope["method"] == self.route_codec.verb else Match.PARTIAL), child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        if scope["method"] != self.route_codec.verb:
            if lists_arguments(scope):
                await send_answer(send, unknown_route(scope, headers=(("allow", self._verbs),)))
                return
            raise HTTPException(405, headers={"allow": self._verbs})
        try:
            with self.admission, self.admission.memory.share() as memory:
                received = await self.receive(scope, receive, headers, context, memory)
                if isinstance(received, Response):
                    await send_answer(send, received)
                    return
                admitted, body = received
                try:
                    scope[ARGUMENTS] = await self.read_arguments(scope["path_params"], scope, body, admitted, memory)
                except WrongArguments as wrong:
                    scope[WRONG] = wrong.locations  # and answered once FastAPI's dependencies have been called
                with call_context(admitted), DisconnectWatch(receive) as watch:

                    async def sending(message: Message) -> None:
                        watch.end()
                        await send(message)

                    await super().handle(scope, replay(body, receive), sending)
        except Disconnected:
            await send_answer(send, disconnected(context))
        except TimedOut:
            await send_answer(send, self.late(context))
        except Rejection as refused:
            await send_answer(send, self.refuse(refused, context))

    async def respond(self, scope: Scope) -> StarletteResponse:
        """The response to a request whose arguments, or what is wrong with them, are in the scope."""
        if WRONG in scope:
            return response(self.wrong_arguments(scope[WRONG], current_context()))
        return response(await self.carry_out(scope[ARGUMENTS], current_context()))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, StarletteResponse]]:
        """FastAPI's handler, given the body as it is, and with problems as the answer to wrong arguments."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> StarletteResponse:
            try:
                return await handle(_RawRequest(request.scope, request.receive))
            except RequestValidationError as error:
                locations = [*request.scope.get(WRONG, ())]
                known = [location["loc"] for location in locations]
                found = [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in error.errors()]
                locations += [location for location in found if location["loc"] not in known]
                return response(self.wrong_arguments(locations, current_context()))

        return answer

    def _endpoint(self) -> Callable[..., Awaitable[StarletteResponse]]:
        signature = signature_of(self.route_codec)
        name = next(name for name in ("request", "request_", "request__") if name not in signature.parameters)

        async def endpoint(**values: Any) -> StarletteResponse:
            # FastAPI passes all parameters, but not which of them the caller has sent.
            return await self.respond(values[name].scope)

        request = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        parameters = (*signature.parameters.values(), request)
        endpoint.__name__ = self.route_codec.method.name
        endpoint.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return endpoint


class _RawRequest(Request):
    """A request whose body is left to the route codec, which reads JSON more strictly."""

    async def json(self) -> Any:
        """The body, unread."""
        return await self.body()


def response(answer: Response) -> StarletteResponse:
    """An answer as what FastAPI expects of an endpoint."""
    response = StarletteResponse(answer.body, answer.status, dict(answer.headers))
    if answer.body:
        response.headers["content-type"] = answer.content_type
    return response


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive function that returns the body once more, and then waits for a disconnect."""
    is_read = False

    async def replay() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
