"""What every way to a route does: its limits, its caller, its arguments and its answers. Without FastAPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.types import Receive, Scope

from service_core import CallContext, ContractMismatchException, ErrorCode
from service_core.arguments import Arguments
from service_core.dispatch import (
    Failure,
    Headers,
    Response,
    Target,
    correlation,
    mismatch,
    problem,
    refusal,
)
from service_core.rest import RouteCodec, is_json, media_type_of
from service_core.wire import CHANGES_PAGE, JSON, LARGE, TooManyValues, context_from_headers, json_holds_more
from service_server_fastapi.access.rejections import Rejection, unread
from service_server_fastapi.requests.admission import check_token, headers_of
from service_server_fastapi.requests.memory_budget import MemoryShare
from service_server_fastapi.rest.reading import Wrong, read_arguments
from service_server_fastapi.rest.resources import RouteResources


class RouteCalls:
    """The calls of one route. Used on one event loop."""

    def __init__(self, route_codec: RouteCodec, target: Target, resources: RouteResources) -> None:
        self.route_codec = route_codec
        self.target = target
        self.calls = resources.calls
        self.admission = resources.admission
        self._readers = resources.readers
        self._browsers = resources.browsers
        self._is_safe: Final = route_codec.verb == "GET"

    async def receive(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], context: CallContext, memory: MemoryShare
    ) -> tuple[CallContext, bytes] | Response:
        """The context with the principal of the token, and the body; or the answer to a caller that is refused.

        Raises Rejection and Disconnected.
        """
        content_type = headers.get("content-type", "")
        self.check(scope, content_type)
        admitted = await self.admit(scope, context)
        if isinstance(admitted, Response):
            return unread(admitted)
        body = await self.admission.read_body(receive, headers, memory)
        self.check_body(body, content_type)
        return admitted, body

    def check(self, scope: Scope, content_type: str) -> None:
        """Raise Rejection if a browser may have sent the request for a page of another site without a preflight."""
        if not self._is_safe:
            self._browsers.check(self.route_codec.verb, content_type, scope)

    async def admit(self, scope: Scope, context: CallContext) -> CallContext | Response:
        """The context with the principal of the token, or the answer to a caller that is refused."""
        if not self.calls.authentication.is_required:
            return context
        check_token(scope)
        admitted = await self.calls.authentication.admit(context, anonymous=self.route_codec.method.anonymous)
        if isinstance(admitted, CallContext):
            return admitted
        return self.admission.rejected(problem(admitted.error, headers=admitted.headers))

    async def read_arguments(
        self, path: Mapping[str, str], scope: Scope, body: bytes, context: CallContext, memory: MemoryShare
    ) -> Arguments:
        """The arguments that the caller gives; those of a large body are read in another thread.

        ``memory`` is taken for its values. Raises WrongArguments, TimedOut, and Rejection if the caller's interface
        differs, if there are too many values, or if the memory budget does not have what they need.
        """
        if len(body) < LARGE:
            return self._read(path, scope, body, memory)
        time_left = None if context.deadline is None else context.deadline.remaining
        arguments: Arguments = await self._readers.run(self._read, (path, scope, body, memory), time_left)
        return arguments

    def _read(self, path: Mapping[str, str], scope: Scope, body: bytes, memory: MemoryShare) -> Arguments:
        if self.route_codec.body is not None and json_holds_more(body, self.admission.max_values):
            raise Rejection(413, str(TooManyValues(self.admission.max_values)))
        if self.route_codec.body is not None:
            memory.take_for_values(JSON, body)
        try:
            return read_arguments(self.route_codec, path, scope, body)
        except ContractMismatchException as error:
            raise Mismatched(error) from None

    async def carry_out(self, arguments: tuple[Any, ...], context: CallContext) -> Response:
        """The answer to an authenticated request, with the arguments of the method."""
        route_codec = self.route_codec
        outcome = await self.calls.carry_out(self.target, arguments, route_codec.write_result, context)
        if isinstance(outcome, Failure):
            answer = problem(outcome.error, executed=outcome.executed, headers=outcome.headers)
            return answer if outcome.executed else self.admission.rejected(answer)
        headers = correlation(context.correlation_id)
        return Response(status=route_codec.status, content_type=JSON.content_type, body=outcome, headers=headers)

    def refuse(self, refused: Rejection, context: CallContext) -> Response:
        """The answer to a refused request."""
        if isinstance(refused, Mismatched):
            error = mismatch(refused.code, str(refused), details=refused.details, context=context)
        else:
            error = refusal(refused.code, str(refused), context=context)
        return self.admission.rejected(problem(error, status=refused.status, headers=refused.headers))

    def check_body(self, body: bytes, content_type: str) -> None:
        """Raise Rejection if the route reads no body of that type."""
        if self.route_codec.body is None or not body:
            return
        if not is_json(media_type_of(content_type)):
            raise Rejection(415, f"content type {content_type[:100]!r} is not application/json")

    def late(self, context: CallContext) -> Response:
        """The answer to a request whose deadline has passed before its arguments are read."""
        error = refusal(ErrorCode.DEADLINE_EXCEEDED, "deadline exceeded", context=context)
        return self.admission.rejected(problem(error))

    def wrong_arguments(self, locations: Sequence[Wrong], context: CallContext) -> Response:
        """The answer to a request with arguments that are missing or do not fit."""
        first = locations[0]
        more = f" (and {len(locations) - 1} more)" if len(locations) > 1 else ""
        location = ".".join(str(part) for part in first["loc"])
        wrong = refusal(
            ErrorCode.INVALID_ARGUMENT,
            f"{self.route_codec.method.where}: {location}: {first['msg']}{more}",
            details=locations,
            context=context,
        )
        is_malformed = any(one["type"] == "json_invalid" for one in locations)
        return problem(wrong, status=400 if is_malformed else None)


class Mismatched(Rejection):
    """Refuse a request of a caller with a different interface."""

    def __init__(self, error: ContractMismatchException, headers: Headers = ()) -> None:
        super().__init__(error.code.http_status, error.message, error.code, headers)
        self.details = error.details


def unknown_route(scope: Scope, headers: Headers = ()) -> Response:
    """The refusal of a call of one of our clients for which there is no route.

    Its form distinguishes it from the 404 of a gateway, so the client can retry on another instance.
    """
    message = (
        f"there is no route {scope['method']} {scope['path'][:200]} here: the interfaces of caller and server differ, "
        f"or the server is another one; see {CHANGES_PAGE}"
    )
    error = mismatch(ErrorCode.NOT_FOUND, message, context=context_from_headers(headers_of(scope)))
    return problem(error, headers=headers)


def path_of(scope: Scope) -> str:
    """The percent-encoded path below the application's root."""
    path: str = scope["path"]
    encoded: str = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else ""
    if unquote(encoded) != path:
        encoded = quote(path)  # a middleware has changed it, or the server does not pass the raw path
    root = quote(scope.get("root_path", ""))
    return encoded.removeprefix(root) if encoded.startswith(f"{root}/") else encoded
