"""From an answer to what an ASGI server wants to hear, or a client wants to read."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service_core.dispatch import Answer

__all__ = ["head_of", "send_answer"]


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer as the whole response."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    if not answer.body:
        headers = headers[1:] if answer.status not in _BARE else []
    for name, value in answer.headers:
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def head_of(answer: Answer, defaults: Iterable[tuple[bytes, bytes]], *, closes: bool) -> bytes:
    """The head of the response, as uvicorn writes it; ``defaults`` are headers of its own.

    ``closes`` if the connection is closed afterwards and no header of the answer says so. No check is made of headers:
    none of them holds what somebody else has written.
    """
    head = STATUS_LINE[answer.status]
    for default in defaults:
        head += b"%b: %b\r\n" % default
    told = f"content-type: {answer.content_type}\r\n" if answer.body else ""
    if answer.status not in _BARE:
        told += f"content-length: {len(answer.body)}\r\n"
    for name, value in answer.headers:
        told += f"{name}: {value}\r\n"
    told += "connection: close\r\n\r\n" if closes else "\r\n"
    return head + told.encode("latin-1", "replace")


_BARE = (204, 304)
"""Statuses whose answers have no body, nor a length of it."""
