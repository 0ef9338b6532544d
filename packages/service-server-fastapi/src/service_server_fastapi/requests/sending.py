"""An answer as messages of ASGI."""

from __future__ import annotations

from typing import Final

from starlette.types import Send

from service_core.dispatch import Headers, Response

UNBUFFERED: Final[Headers] = (("cache-control", "no-cache"), ("x-accel-buffering", "no"))
"""The headers of a body that proxies pass on as it comes, and keep no copy of."""


def unbuffered(answer: Response) -> Headers:
    """The headers of an answer whose body comes in parts."""
    return answer.headers if UNBUFFERED[0] in answer.headers else (*answer.headers, *UNBUFFERED)


async def send_answer(send: Send, answer: Response) -> None:
    """Send an answer as the whole response."""
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    if not answer.body:
        headers = headers[1:] if answer.status not in (204, 304) else []
    for name, value in answer.headers:
        headers.append((name.encode(), value.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
