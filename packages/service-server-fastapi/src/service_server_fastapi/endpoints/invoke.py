"""``POST /invoke`` as a raw ASGI endpoint: limits around the dispatcher, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress

from starlette.types import Receive, Scope, Send

from service_core import CallContext, ErrorCode
from service_core.dispatch import Dispatcher, Response, StreamBody, envelope, refusal, stream_codec
from service_core.wire import LARGE, context_from_headers
from service_server_fastapi.access.rejections import UNREAD, Rejection, unread
from service_server_fastapi.endpoints.streams import IncomingStream, run_stream, send_stream
from service_server_fastapi.paths import INVOKE
from service_server_fastapi.requests.admission import Admission, Disconnected, check_token, disconnected, headers_of
from service_server_fastapi.requests.disconnect import DisconnectWatch, while_connected
from service_server_fastapi.requests.fast_path import ReceivedRequest, Responding
from service_server_fastapi.requests.memory_budget import MemoryShare
from service_server_fastapi.requests.sending import send_answer


class InvokeEndpoint:
    """The ASGI application behind ``/invoke``."""

    def __init__(self, dispatcher: Dispatcher, admission: Admission) -> None:
        self._dispatcher = dispatcher
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        answer: Response | None
        try:
            with self._admission, self._admission.memory.share() as memory:
                answer = await self._answered(scope, receive, send, headers, context, memory)
        except Disconnected:
            answer = disconnected(context)
        except Rejection as refused:
            answer = self._refuse(refused, context)
        if answer is not None:
            await send_answer(send, answer)

    async def _answered(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        context: CallContext,
        memory: MemoryShare,
    ) -> Response | None:
        """The answer to a request; None for one that is a stream and has been sent. Raises Rejection, Disconnected."""
        if scope["method"] != "POST":
            allow = ("allow", "POST")
            raise Rejection(405, "calls are sent with POST", ErrorCode.UNIMPLEMENTED, headers=(allow, *UNREAD))
        admitted = await self._admit(scope, context)
        if not isinstance(admitted, CallContext):
            return unread(self._logged(admitted))
        content_type = headers.get("content-type", "")
        if stream_codec(content_type) is not None:
            return await self._converse(scope, receive, send, content_type, admitted)
        body = await self._admission.read_body(receive, headers, memory)
        dispatch = self._dispatcher.dispatch(content_type, body, admitted, memory.take_for_values)
        answer = self._logged(await while_connected(dispatch, receive))
        if answer.stream is None:
            return answer
        share = self._admission.streams.share(scope.get("client"), admitted)
        with closing(answer.stream), share, suppress(Disconnected), DisconnectWatch(receive) as watch:
            await send_stream(scope, send, answer, answer.stream, watch)
        return None

    async def _converse(
        self, scope: Scope, receive: Receive, send: Send, content_type: str, context: CallContext
    ) -> Response | None:
        """As :meth:`_answered`, for a request that is a stream."""
        limit = self._admission.max_body_bytes
        share = self._admission.streams.share(scope.get("client"), context)
        with share, suppress(Disconnected), IncomingStream(scope, receive) as request:
            answer = self._logged(
                await self._dispatcher.dispatch_stream(content_type, request.parts(), context, max_bytes=limit)
            )
            if answer.stream is None:
                return answer
            await send_stream(scope, send, answer, answer.stream, request)
        return None

    async def answer(self, request: ReceivedRequest, connection: Responding) -> Response | None:
        """The answer to a call that has arrived; None for a request that is a stream, which goes over ASGI."""
        dispatcher, admission, body = self._dispatcher, self._admission, request.body
        if dispatcher.is_secured or len(body) >= LARGE or admission.in_work >= admission.most:
            return await self._answer_in_steps(request, connection)
        admission.in_work += 1
        try:
            answer = await dispatcher.dispatch_short(request.content_type, body, request.context)
            if answer is not None and answer.stream is not None:
                await self._run(answer, answer.stream, request, request.context, connection)
        except Rejection as refused:
            return self._refuse(refused, request.context)
        finally:
            admission.in_work -= 1
        return answer if answer is None or answer.status == 200 else self._logged(answer)

    async def _run(
        self,
        answer: Response,
        stream: StreamBody,
        request: ReceivedRequest,
        context: CallContext,
        connection: Responding,
    ) -> None:
        """Write an answer that is a stream. Raises Rejection for one too many of the caller."""
        with closing(stream), self._admission.streams.share(request.client, context):
            response = connection.begin_stream(answer)
            response.end(await run_stream(stream, response))

    async def _answer_in_steps(self, request: ReceivedRequest, connection: Responding) -> Response | None:
        """As :meth:`answer`, with admission before the body is read, and with memory and threads for a large one."""
        if stream_codec(request.content_type) is not None:
            return None
        context = request.context
        try:
            with self._admission, self._admission.memory.share_of(len(request.body)) as memory:
                if self._dispatcher.is_secured:
                    admitted = await self._admit(request.scope, context)
                    if isinstance(admitted, Response):
                        return self._logged(admitted)
                    context = admitted
                dispatch = self._dispatcher.dispatch(
                    request.content_type, request.body, context, memory.take_for_values
                )
                answer = self._logged(await dispatch)
                if answer.stream is not None:
                    await self._run(answer, answer.stream, request, context, connection)
                return answer
        except Rejection as refused:
            return self._refuse(refused, context)

    async def _admit(self, scope: Scope, context: CallContext) -> CallContext | Response:
        if not self._dispatcher.is_secured:
            return context
        check_token(scope)
        return await self._dispatcher.admit(context)

    def _logged(self, answer: Response) -> Response:
        # Every outcome of the method itself has status 200.
        return answer if answer.status == 200 else self._admission.rejected(answer)

    def _refuse(self, refused: Rejection, context: CallContext) -> Response:
        error = refusal(refused.code, str(refused), context=context)
        return self._admission.rejected(envelope(error, status=refused.status, headers=refused.headers))


def is_call(scope: Scope) -> bool:
    """Whether the endpoint answers a request, rather than refuses it."""
    return (scope["path"], scope["method"]) == (INVOKE, "POST")
