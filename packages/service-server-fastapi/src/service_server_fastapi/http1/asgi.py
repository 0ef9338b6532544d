"""From an answer to what an ASGI server wants to hear, or a client wants to read."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service_core.dispatch import Answer

__all__ = ["Heads", "send_answer"]

Headers = Sequence[tuple[bytes, bytes]]


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer as the whole response."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    if not answer.body:
        headers = headers[1:] if answer.status not in _BARE else []
    for name, value in answer.headers:
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class Heads:
    """Writes the heads of responses as uvicorn does. How they begin is written once for all that begin so."""

    __slots__ = ("_beginnings", "_defaults")

    def __init__(self) -> None:
        self._defaults: Headers | None = None
        self._beginnings: dict[tuple[int, str], str] = {}

    def head_of(self, answer: Answer, defaults: Headers, *, closes: bool) -> bytes:
        """The head of the response; ``defaults`` are headers of uvicorn's own, in a list that nobody changes.

        ``closes`` if the connection is closed afterwards and no header of the answer says so. No check is made of
        headers: none of them holds what somebody else has written.
        """
        if defaults is not self._defaults:  # uvicorn makes new ones every second, with the date
            self._defaults = defaults
            self._beginnings.clear()
        content_type = answer.content_type if answer.body else ""
        told = self._beginnings.get((answer.status, content_type)) or self._begin(answer.status, content_type, defaults)
        if answer.status not in _BARE:
            told += f"content-length: {len(answer.body)}\r\n"
        for name, value in answer.headers:
            told += f"{name}: {value}\r\n"
        told += "connection: close\r\n\r\n" if closes else "\r\n"
        return told.encode("latin-1", "replace")

    def _begin(self, status: int, content_type: str, defaults: Headers) -> str:
        lines = [b"%b: %b\r\n" % default for default in defaults]
        if content_type:
            lines.append(b"content-type: %b\r\n" % content_type.encode())
        told = self._beginnings[status, content_type] = b"".join((STATUS_LINE[status], *lines)).decode("latin-1")
        return told


_BARE = (204, 304)
"""Statuses whose answers have no body, nor a length of it."""
