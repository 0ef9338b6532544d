"""``POST /invoke`` as a raw ASGI endpoint: limits around the dispatcher, nothing else."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive, Scope, Send

from service_core.context import CallContext
from service_core.dispatch import Answer, Dispatcher, envelope, refusal
from service_core.errors import ErrorCode
from service_core.wire import context_from_headers
from service_server_fastapi.http1.asgi import send_answer
from service_server_fastapi.requests.admission import Disconnected, Intake, check_token, gone, headers_of
from service_server_fastapi.requests.disconnect import while_connected
from service_server_fastapi.requests.fast_path import ArrivedRequest
from service_server_fastapi.requests.rejections import UNREAD, Refused, unread

__all__ = ["INVOKE", "InvokeEndpoint", "is_call"]

INVOKE: Final = "/invoke"
"""The path of calls."""


class InvokeEndpoint:
    """The ASGI application behind ``/invoke``."""

    def __init__(self, dispatcher: Dispatcher, intake: Intake) -> None:
        self._dispatcher = dispatcher
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        try:
            with self._intake, self._intake.memory.share() as memory:
                if scope["method"] != "POST":
                    allow = ("allow", "POST")
                    raise Refused(405, "calls are sent with POST", ErrorCode.UNIMPLEMENTED, headers=(allow, *UNREAD))
                admitted = await self._admit(scope, context)
                if isinstance(admitted, CallContext):
                    body = await self._intake.read_body(receive, headers, memory)
                    content_type = headers.get("content-type", "")
                    dispatch = self._dispatcher.dispatch(content_type, body, admitted)
                    answer = self._noted(await while_connected(dispatch, receive))
                else:
                    answer = unread(self._noted(admitted))
        except Disconnected:
            answer = gone(context)
        except Refused as refused:
            answer = self._refuse(refused, context)
        await send_answer(send, answer)

    async def answer(self, request: ArrivedRequest) -> Answer:
        """The answer to a call that has arrived."""
        context = request.context
        try:
            with self._intake, self._intake.memory.share_of(len(request.body)):
                if self._dispatcher.is_secured:
                    admitted = await self._admit(request.scope, context)
                    if isinstance(admitted, Answer):
                        return self._noted(admitted)
                    context = admitted
                return self._noted(await self._dispatcher.dispatch(request.content_type, request.body, context))
        except Refused as refused:
            return self._refuse(refused, context)

    async def _admit(self, scope: Scope, context: CallContext) -> CallContext | Answer:
        if not self._dispatcher.is_secured:
            return context
        check_token(scope)
        return await self._dispatcher.admit(context)

    def _noted(self, answer: Answer) -> Answer:
        # Every outcome of the method itself has status 200.
        return answer if answer.status == 200 else self._intake.rejected(answer)

    def _refuse(self, refused: Refused, context: CallContext) -> Answer:
        error = refusal(refused.code, str(refused), context=context)
        return self._intake.rejected(envelope(error, status=refused.status, headers=refused.headers))


def is_call(scope: Scope) -> bool:
    """Whether the endpoint answers a request, rather than refuses it."""
    return (scope["path"], scope["method"]) == (INVOKE, "POST")
