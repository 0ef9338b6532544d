"""From an answer to what an ASGI server wants to hear."""

from __future__ import annotations

from starlette.types import Send

from service_core.dispatch import Answer

__all__ = ["send_answer"]


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer as the whole response."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    for name, value in answer.headers:
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
