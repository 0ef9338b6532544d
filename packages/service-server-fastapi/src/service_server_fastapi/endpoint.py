"""``POST /invoke`` as a raw ASGI endpoint: limits around the dispatcher, nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from service_core.errors import ErrorCode
from service_core.wire import context_from_headers
from service_server_fastapi.answers import Answer, envelope, refusal
from service_server_fastapi.dispatcher import Dispatcher
from service_server_fastapi.intake import UNREAD, Disconnected, Intake, Refused, headers_of
from service_server_fastapi.sending import send_answer

__all__ = ["InvokeEndpoint"]


class InvokeEndpoint:
    """The ASGI application behind ``/invoke``."""

    def __init__(self, dispatcher: Dispatcher, intake: Intake) -> None:
        self._dispatcher = dispatcher
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        try:
            with self._intake.admitted():
                await send_answer(send, await self._answer(scope, receive, headers))
        except Disconnected:
            return
        except Refused as refused:
            error = refusal(refused.code, str(refused), context=context_from_headers(headers))
            await send_answer(send, envelope(error, status=refused.status, headers=refused.headers))

    async def _answer(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> Answer:
        if scope["method"] != "POST":
            allow = ("allow", "POST")
            raise Refused(405, "calls are sent with POST", ErrorCode.UNIMPLEMENTED, headers=(allow, *UNREAD))
        body = await self._intake.read_body(receive, headers)
        return await self._dispatcher.dispatch(headers.get("content-type", ""), body, context_from_headers(headers))
