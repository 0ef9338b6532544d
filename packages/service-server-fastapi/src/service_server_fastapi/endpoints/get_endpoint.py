"""Endpoints that are read with GET, as ASGI applications."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Receive, Scope, Send

from service_core.dispatch import Response
from service_core.wire import JSON
from service_server_fastapi.requests.sending import send_answer

_NOT_ALLOWED: Final = Response(
    status=405,
    content_type=JSON.content_type,
    body=b'{"detail":"Method Not Allowed"}',
    headers=(("allow", "GET, HEAD"),),
)


class GetEndpoint:
    """Answers GET and HEAD with what a function returns for the scope of a request."""

    def __init__(self, answer: Callable[[Scope], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_read = scope["method"] in ("GET", "HEAD")
        await send_answer(send, await self._answer(scope) if is_read else _NOT_ALLOWED)
