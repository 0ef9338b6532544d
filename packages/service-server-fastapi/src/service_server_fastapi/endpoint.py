"""``POST /invoke`` as a raw ASGI endpoint: limits around the dispatcher, nothing else."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from service_core.context import CallContext
from service_core.errors import ErrorCode
from service_core.wire import context_from_headers
from service_server_fastapi.dispatcher import Answer, Dispatcher, refusal
from service_server_fastapi.sending import send_answer
from service_server_fastapi.settings import ServerSettings

__all__ = ["InvokeEndpoint"]


class _Disconnected(Exception):
    """The caller is gone; there is nobody to answer."""


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: ErrorCode = ErrorCode.INVALID_ARGUMENT) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class InvokeEndpoint:
    """The ASGI application behind ``/invoke``."""

    def __init__(self, dispatcher: Dispatcher, settings: ServerSettings) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Calls that are being received, executed or answered."""
        return self._in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = context_from_headers(headers)
        if self._in_flight >= self._settings.max_concurrency:
            await send_answer(send, _overloaded(context))
            return
        self._in_flight += 1
        try:
            await send_answer(send, await self._answer(scope, receive, headers, context))
        except _Disconnected:
            return
        finally:
            self._in_flight -= 1

    async def _answer(self, scope: Scope, receive: Receive, headers: dict[str, str], context: CallContext) -> Answer:
        try:
            if scope["method"] != "POST":
                raise _Refused(405, "calls are sent with POST", ErrorCode.UNIMPLEMENTED)
            body = await self._read_body(receive, headers)
        except _Refused as refused:
            # The rest of the body is unread, so the connection cannot be used again.
            closing = (("connection", "close"), ("allow", "POST"))[: 2 if refused.status == 405 else 1]
            return refusal(refused.code, str(refused), status=refused.status, context=context, headers=closing)
        return await self._dispatcher.dispatch(headers.get("content-type", ""), body, context)

    async def _read_body(self, receive: Receive, headers: dict[str, str]) -> bytes:
        limit = self._settings.max_body_bytes
        too_large = _Refused(413, f"the request is larger than {limit} bytes")
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced[:19]) > limit:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.receive_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Disconnected
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > limit:
                        raise too_large
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        except TimeoutError:
            raise _Refused(
                408,
                f"the request did not arrive within {self._settings.receive_timeout:g} s",
                ErrorCode.DEADLINE_EXCEEDED,
            ) from None


def _overloaded(context: CallContext) -> Answer:
    return refusal(
        ErrorCode.UNAVAILABLE,
        "the server has as many calls in work as it may take",
        context=context,
        headers=(("retry-after", "1"), ("connection", "close")),
    )
