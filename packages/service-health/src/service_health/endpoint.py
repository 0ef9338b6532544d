"""A health endpoint as an ASGI application, without a web framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from service_core import Health

__all__ = ["HealthEndpoint"]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class HealthEndpoint:
    """Answers GET and HEAD with the health as JSON and 200, 429 for a warning, 503 for an error.

    It answers on every path; the application that mounts it selects the path.
    """

    def __init__(
        self,
        check: Callable[[], Awaitable[Health]],
        *,
        details: bool,
        status_of: Callable[[Health], int] = lambda health: health.status.http_status,
    ) -> None:
        """``status_of`` maps a status to an HTTP status other than the default."""
        self._check: Final = check
        self._details: Final = details
        self._status_of: Final = status_of

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        elif scope["type"] != "http":
            raise RuntimeError(f"a health endpoint serves HTTP, not '{scope['type']}'; mount it in an application")
        elif scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, {"error": "a health endpoint accepts GET and HEAD only"}, (b"allow", b"GET, HEAD"))
        else:
            health = await self._check()
            data = health.to_dict(details=self._details)
            await _answer(send, self._status_of(health), data, head=scope["method"] == "HEAD")


async def _answer(
    send: Send, status: int, data: Mapping[str, Any], *more: tuple[bytes, bytes], head: bool = False
) -> None:
    body = json.dumps(data).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
