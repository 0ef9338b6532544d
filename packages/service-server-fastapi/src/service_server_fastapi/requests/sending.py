"""An answer as messages of ASGI."""

from __future__ import annotations

from starlette.types import Send

from service_core.dispatch import Response

__all__ = ["send_answer"]


async def send_answer(send: Send, answer: Response) -> None:
    """Send an answer as the whole response."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    if not answer.body:
        headers = headers[1:] if answer.status not in (204, 304) else []
    for name, value in answer.headers:
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
