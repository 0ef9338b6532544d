"""A route of a service in the user's FastAPI application: its limits, its matching and its answers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, unquote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from service_core import CallContext, ContractMismatchException, ErrorCode, call_context, current_context
from service_core.arguments import Arguments
from service_core.dispatch import (
    Answer,
    Executor,
    Failure,
    Headers,
    Target,
    ThreadPool,
    correlation,
    mismatch,
    problem,
    refusal,
)
from service_core.rest import RoutePlan, is_json, media_type_of
from service_core.wire import CHANGES_PAGE, TooManyValues, context_from_headers, json_holds_more
from service_server_fastapi.access.browsers import BrowserRules
from service_server_fastapi.access.rejections import Refused, unread
from service_server_fastapi.requests.admission import Disconnected, Intake, check_token, gone, headers_of
from service_server_fastapi.requests.disconnect import Watch
from service_server_fastapi.requests.sending import send_answer
from service_server_fastapi.rest.arguments import signature_of
from service_server_fastapi.rest.openapi import documented
from service_server_fastapi.rest.reading import Wrong, WrongArguments, lists_arguments, read_arguments

__all__ = ["ARGUMENTS", "RestRoute", "path_of", "replay", "response", "unknown_route"]

ARGUMENTS: Final = "service.arguments"
"""The key of a scope for the arguments of the caller."""


class RestRoute(APIRoute):
    """FastAPI finds arguments and validates them; the rest is done as for all calls."""

    def __init__(
        self,
        plan: RoutePlan,
        target: Target,
        *,
        calls: Executor,
        intake: Intake,
        browsers: BrowserRules,
        readers: ThreadPool,
        app: FastAPI,
        verbs: Sequence[str],
    ) -> None:
        """``verbs`` are those of all routes with this path; large bodies are read in threads of ``readers``."""
        self.plan = plan
        self.target = target
        self.calls = calls
        self.intake = intake
        self._browsers = browsers
        self._is_safe: Final = plan.verb == "GET"
        self.readers = readers
        self._verbs: Final = ", ".join(verbs)
        super().__init__(
            plan.template.text,
            self._endpoint(),
            methods=[plan.verb],
            dependencies=app.router.dependencies,
            dependency_overrides_provider=app,
            **documented(plan, secured=calls.are_secured and not plan.method.anonymous),
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Compare the path as it came, so that an encoded slash does not divide a value."""
        values = self.plan.template.match(path_of(scope)) if scope["type"] == "http" else None
        if values is None:
            return Match.NONE, {}
        child = {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **values}, "route": self}
        return (Match.FULL if scope["method"] == self.plan.verb else Match.PARTIAL), child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        if scope["method"] != self.plan.verb:
            if lists_arguments(scope):
                await send_answer(send, unknown_route(scope, headers=(("allow", self._verbs),)))
                return
            raise HTTPException(405, headers={"allow": self._verbs})
        try:
            with self.intake, self.intake.memory.share() as memory:
                self.check(scope, headers.get("content-type", ""))
                admitted = await self.admit(scope, context)
                if isinstance(admitted, Answer):
                    await send_answer(send, unread(admitted))
                    return
                body = await self.intake.read_body(receive, headers, memory)
                self.check_body(body, headers.get("content-type", ""))
                with suppress(WrongArguments):  # FastAPI answers them
                    scope[ARGUMENTS] = self.read_arguments(scope["path_params"], scope, body)
                with call_context(admitted), Watch(receive) as watch:

                    async def sending(message: Message) -> None:
                        watch.end()
                        await send(message)

                    await super().handle(scope, replay(body, receive), sending)
        except Disconnected:
            await send_answer(send, gone(context))
        except Refused as refused:
            await send_answer(send, self.refuse(refused, context))

    def check(self, scope: Scope, content_type: str) -> None:
        """Raise Refused if a browser may have sent the request for a page of another site without a preflight."""
        if not self._is_safe:
            self._browsers.check(self.plan.verb, content_type, scope)

    async def admit(self, scope: Scope, context: CallContext) -> CallContext | Answer:
        """The context with the principal of the token, or the answer to a caller that is refused."""
        if not self.calls.are_secured:
            return context
        check_token(scope)
        admitted = await self.calls.admit(context, anonymous=self.plan.method.anonymous)
        if isinstance(admitted, CallContext):
            return admitted
        return self.intake.rejected(problem(admitted.error, headers=admitted.headers))

    def read_arguments(self, path: Mapping[str, str], scope: Scope, body: bytes) -> Arguments:
        """The arguments that the caller gives. Raises WrongArguments, and Refused if its interface differs."""
        try:
            return read_arguments(self.plan, path, scope, body)
        except ContractMismatchException as error:
            raise _Mismatched(error) from None

    async def carry_out(self, arguments: tuple[Any, ...], context: CallContext) -> Answer:
        """The answer to an authenticated request, with the arguments of the method."""
        plan = self.plan
        outcome = await self.calls.carry_out(self.target, arguments, plan.write_result, context)
        if isinstance(outcome, Failure):
            answer = problem(outcome.error, executed=outcome.executed, headers=outcome.headers)
            return answer if outcome.executed else self.intake.rejected(answer)
        headers = correlation(context.correlation_id)
        return Answer(status=plan.status, content_type="application/json", body=outcome, headers=headers)

    async def respond(self, scope: Scope) -> Response:
        """The response to a request whose arguments are in the scope."""
        return response(await self.carry_out(scope[ARGUMENTS], current_context()))

    def refuse(self, refused: Refused, context: CallContext) -> Answer:
        """The answer to a refused request."""
        if isinstance(refused, _Mismatched):
            error = mismatch(refused.code, str(refused), details=refused.details, context=context)
        else:
            error = refusal(refused.code, str(refused), context=context)
        return self.intake.rejected(problem(error, status=refused.status, headers=refused.headers))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given the body as it is, and with problems as the answer to wrong arguments."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(_RawRequest(request.scope, request.receive))
            except RequestValidationError as error:
                places = [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in error.errors()]
                return response(self.wrong_arguments(places, current_context()))

        return answer

    def _endpoint(self) -> Callable[..., Awaitable[Response]]:
        signature = signature_of(self.plan)
        name = next(name for name in ("request", "request_", "request__") if name not in signature.parameters)

        async def endpoint(**values: Any) -> Response:
            # FastAPI has found and documented all of them, but not which of them the caller has sent.
            return await self.respond(values[name].scope)

        request = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        parameters = (*signature.parameters.values(), request)
        endpoint.__name__ = self.plan.method.name
        endpoint.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return endpoint

    def check_body(self, body: bytes, content_type: str) -> None:
        """Raise Refused if the route reads no body of that type, or none of so many values."""
        if self.plan.body is None or not body:
            return
        if not is_json(media_type_of(content_type)):
            raise Refused(415, f"content type {content_type[:100]!r} is not application/json")
        if json_holds_more(body, self.intake.max_values):
            raise Refused(413, str(TooManyValues(self.intake.max_values)))

    def late(self, context: CallContext) -> Answer:
        """The answer to a request whose deadline has passed before its arguments are read."""
        error = refusal(ErrorCode.DEADLINE_EXCEEDED, "deadline exceeded", context=context)
        return self.intake.rejected(problem(error))

    def wrong_arguments(self, places: Sequence[Wrong], context: CallContext) -> Answer:
        """The answer to a request with arguments that are missing or do not fit."""
        first = places[0]
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        place = ".".join(str(part) for part in first["loc"])
        wrong = refusal(
            ErrorCode.INVALID_ARGUMENT,
            f"{self.plan.method.where}: {place}: {first['msg']}{more}",
            details=places,
            context=context,
        )
        is_malformed = any(one["type"] == "json_invalid" for one in places)
        return problem(wrong, status=400 if is_malformed else None)


class _Mismatched(Refused):
    """Refuse a request of a caller with a different interface."""

    def __init__(self, error: ContractMismatchException) -> None:
        super().__init__(error.code.http_status, error.message, error.code)
        self.details = error.details


class _RawRequest(Request):
    """A request whose body is left to the plan, which reads JSON more strictly."""

    async def json(self) -> Any:
        """The body, unread."""
        return await self.body()


def unknown_route(scope: Scope, headers: Headers = ()) -> Answer:
    """The refusal of a call of one of our clients for which there is no route.

    Its form distinguishes it from the 404 of a gateway, so the client can retry on another instance.
    """
    message = (
        f"there is no route {scope['method']} {scope['path'][:200]} here: the interfaces of caller and server differ, "
        f"or the server is another one; see {CHANGES_PAGE}"
    )
    error = mismatch(ErrorCode.NOT_FOUND, message, context=context_from_headers(headers_of(scope)))
    return problem(error, headers=headers)


def response(answer: Answer) -> Response:
    """An answer as what FastAPI expects of an endpoint."""
    response = Response(answer.body, answer.status, dict(answer.headers))
    if answer.body:
        response.headers["content-type"] = answer.content_type
    return response


def path_of(scope: Scope) -> str:
    """The percent-encoded path below the application's root."""
    path: str = scope["path"]
    encoded: str = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else ""
    if unquote(encoded) != path:
        encoded = quote(path)  # a middleware has changed it, or the server does not pass the raw path
    root = quote(scope.get("root_path", ""))
    return encoded.removeprefix(root) if encoded.startswith(f"{root}/") else encoded


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
