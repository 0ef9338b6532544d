"""A route of a method whose result or argument is a stream."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service_core import ContractMismatchException, ErrorCode, call_context, current_context
from service_core.dispatch import (
    FailedFirst,
    Failure,
    Response,
    TimedOut,
    correlation,
    input_lines,
    open_stream,
    problem,
    with_input,
)
from service_core.rest import EVENT_STREAM, NDJSON, SENT_ARGUMENTS, form_writer, media_type_of
from service_core.wire import CHANGES_PAGE, context_from_headers
from service_core.wire.streams import StreamWriter
from service_server_fastapi.access.rejections import UNREAD, Rejection, unread
from service_server_fastapi.endpoints.streams import CallerWatch, IncomingStream, run_stream, send_stream
from service_server_fastapi.requests.admission import Disconnected, check_encoding, disconnected, headers_of
from service_server_fastapi.requests.disconnect import DisconnectWatch
from service_server_fastapi.requests.fast_path import ReceivedRequest, Responding
from service_server_fastapi.requests.memory_budget import MemoryShare
from service_server_fastapi.requests.sending import UNBUFFERED, send_answer
from service_server_fastapi.rest.reading import WrongArguments, item_type
from service_server_fastapi.rest.route import ARGUMENTS, WRONG, RestRoute, replay
from service_server_fastapi.rest.route_calls import Mismatched

_STREAM: Final = "service.stream"
"""The key of a scope for how the answer is written and what watches the caller."""


class StreamRoute(RestRoute):
    """A route whose response is sent, or whose request is read, in parts."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with FastAPI's dependencies."""
        if scope["method"] == self.route_codec.verb:
            await self.serve(scope, scope["path_params"], receive, send, over=super(RestRoute, self).handle)
        else:
            await super().handle(scope, receive, send)

    async def serve(
        self, scope: Scope, path: Mapping[str, str], receive: Receive, send: Send, over: ASGIApp | None = None
    ) -> None:
        """Answer one request; ``over`` is an application that calls :meth:`respond`, None to call it here."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        try:
            with self.admission, self.admission.memory.share() as memory:
                self.check(scope, headers.get("content-type", ""))
                writer = self._writer(headers)
                admitted = await self.admit(scope, context)
                if isinstance(admitted, Response):
                    return await send_answer(send, unread(admitted))
                body = b""
                if self.route_codec.input_items is None:
                    body = await self.admission.read_body(receive, headers, memory)
                    self.check_body(body, headers.get("content-type", ""))
                else:
                    self._check_input(headers)
                share = self.admission.streams.share(scope.get("client"), admitted)
                with share, suppress(Disconnected), call_context(admitted), self._watching(scope, receive) as watch:
                    scope[_STREAM] = writer, watch
                    await self._read_whole(path, scope, body, watch, memory)
                    await (over or self._directly)(scope, replay(body, receive), send)
        except Disconnected:
            await send_answer(send, disconnected(context))
        except TimedOut:
            await send_answer(send, self.late(context))
        except Rejection as refused:
            await send_answer(send, self.refuse(refused, context))

    async def answer(
        self, request: ReceivedRequest, path: Mapping[str, str], connection: Responding
    ) -> Response | None:
        """The answer to a request that has arrived; its stream is written to ``connection``."""
        scope, body, context = request.scope, request.body, request.context
        try:
            with self.admission, self.admission.memory.share_of(len(body)) as memory:
                self.check(scope, request.content_type)
                writer = self._writer(headers_of(scope))
                admitted = await self.admit(scope, context)
                if isinstance(admitted, Response):
                    return admitted
                self.check_body(body, request.content_type)
                with self.admission.streams.share(request.client, admitted), call_context(admitted):
                    arguments = await self.read_arguments(path, scope, body, admitted, memory)
                    return await self._write(arguments, writer, connection)
        except WrongArguments as wrong:
            return self.wrong_arguments(wrong.locations, context)
        except TimedOut:
            return self.late(context)
        except Rejection as refused:
            return self.refuse(refused, context)

    async def _write(self, arguments: tuple[Any, ...], writer: StreamWriter | None, connection: Responding) -> Response:
        if writer is None:
            return await self.carry_out(arguments, current_context())
        answer = self._opened(arguments, writer)
        if answer.stream is not None:
            try:
                response = connection.begin_stream(answer)
                response.end(await run_stream(answer.stream, response))
            except FailedFirst as failed:
                return failure(failed)
        return answer

    async def respond(self, scope: Scope) -> StarletteResponse:
        """The response to a request that has been read so far."""
        writer, watch = scope[_STREAM]
        if WRONG in scope:
            answer = self.wrong_arguments(scope[WRONG], current_context())
        elif writer is None:
            answer = await self.carry_out(scope[ARGUMENTS], current_context())
        else:
            answer = self._opened(scope[ARGUMENTS], writer)
        return _Response(answer, watch)

    async def _directly(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(scope)
        await response(scope, receive, send)

    def _opened(self, arguments: tuple[Any, ...], writer: StreamWriter) -> Response:
        """The answer of a call whose result is a stream: the stream, or a failure before its first item."""
        context = current_context()
        stream = open_stream(self.calls, self.target, arguments, writer, context)
        if isinstance(stream, Failure):
            return self.admission.rejected(problem(stream.error, executed=stream.executed, headers=stream.headers))
        headers = (*correlation(context.correlation_id), *UNBUFFERED)  # answers to GET could be kept
        return Response(
            status=self.route_codec.status, content_type=writer.content_type, body=b"", headers=headers, stream=stream
        )

    def _writer(self, headers: Mapping[str, str]) -> StreamWriter | None:
        """Writes the result in the form that the caller accepts, None for a result that comes as a whole."""
        if self.route_codec.items is None:
            return None
        accept = headers.get("accept", "")
        writer = form_writer(accept, self.route_codec.items)
        if writer is None:
            raise self._unfit(
                headers,
                406,
                f"the answer is a stream of type {NDJSON} or {EVENT_STREAM}, but the request accepts {accept[:200]!r}",
            )
        return writer

    def _check_input(self, headers: Mapping[str, str]) -> None:
        check_encoding(headers)
        content_type = headers.get("content-type", "")
        if media_type_of(content_type) != NDJSON:
            raise self._unfit(
                headers,
                415,
                f"content type {content_type[:100]!r} is not {NDJSON}: the body is a stream, with an item in each line",
            )

    def _unfit(self, headers: Mapping[str, str], status: int, message: str) -> Rejection:
        """The refusal of a request without the streams of the route; of a caller with an interface, that differs."""
        if SENT_ARGUMENTS not in headers:
            return Rejection(status, message, headers=UNREAD)
        text = f"the server has another {self.route_codec.method.where}: {message}; see {CHANGES_PAGE}"
        return Mismatched(ContractMismatchException(text, code=ErrorCode.INVALID_ARGUMENT), headers=UNREAD)

    def _watching(self, scope: Scope, receive: Receive) -> DisconnectWatch | IncomingStream:
        return DisconnectWatch(receive) if self.route_codec.input_items is None else IncomingStream(scope, receive)

    async def _read_whole(
        self,
        path: Mapping[str, str],
        scope: Scope,
        body: bytes,
        watch: DisconnectWatch | IncomingStream,
        memory: MemoryShare,
    ) -> None:
        """Read the arguments that come as a whole; the stream among them is read while the method runs."""
        try:
            arguments = await self.read_arguments(path, scope, body, current_context(), memory)
        except WrongArguments as wrong:
            scope[WRONG] = wrong.locations
            return
        stream, wire = self.route_codec.method.input_stream, item_type(self.route_codec, scope)
        if stream is not None and wire is not None and isinstance(watch, IncomingStream):
            limits = {"max_bytes": self.admission.max_body_bytes, "max_values": self.admission.max_values}
            lists = input_lines(wire, watch.parts(), **limits)
            arguments = with_input(arguments, stream, lists)
        scope[ARGUMENTS] = arguments


class _Response(StarletteResponse):
    """An answer, which may come in parts."""

    def __init__(self, answer: Response, watch: CallerWatch) -> None:
        super().__init__(status_code=answer.status)
        self._answer = answer
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and watch the caller meanwhile."""
        if self._answer.stream is not None:
            try:
                await send_stream(scope, send, self._answer, self._answer.stream, self._watch)
            except FailedFirst as failed:
                self._answer = failure(failed)
            else:
                return
        self._watch.end()
        await send_answer(send, self._answer)


def failure(failed: FailedFirst) -> Response:
    """The answer to a call whose stream has failed before its first item."""
    return problem(failed.error, executed=True, headers=failed.headers)
