"""Taking requests in: how many at once, how large, and how long they may take to arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

from starlette.types import Receive, Scope

from service_core.errors import ErrorCode
from service_server_fastapi.answers import Headers
from service_server_fastapi.settings import ServerSettings
from service_server_fastapi.waiting import TimeIsUp, within

__all__ = ["UNREAD", "Disconnected", "Intake", "Refused", "headers_of"]

UNREAD: Final[Headers] = (("connection", "close"),)
"""Headers of an answer to a request that has not been read to its end: the connection cannot be used again."""


class Disconnected(Exception):
    """The caller is gone; there is nobody to answer."""


class Refused(Exception):
    """A request is turned away; the text is for the caller."""

    def __init__(
        self, status: int, message: str, code: ErrorCode = ErrorCode.INVALID_ARGUMENT, headers: Headers = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Intake:
    """Counts and limits what all endpoints have in work. Used on one event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._in_work = 0

    def admitted(self) -> Self:
        """Count a request as one in work inside the block. Raises Refused if there are too many."""
        return self

    def __enter__(self) -> None:
        if self._in_work >= self._settings.max_concurrency:
            raise Refused(
                503,
                "the server has as many calls in work as it may take",
                ErrorCode.UNAVAILABLE,
                headers=(("retry-after", "1"), *UNREAD),
            )
        self._in_work += 1

    def __exit__(self, *exc: object) -> None:
        self._in_work -= 1

    async def read_body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        """The whole body. Raises Refused if it is too large or too slow, Disconnected."""
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced[:19]) > self._settings.max_body_bytes:
            raise self._too_large()
        try:
            return await within(self._receive_all(receive), self._settings.receive_timeout)
        except TimeIsUp:
            told = f"the request did not arrive within {self._settings.receive_timeout:g} s"
            raise Refused(408, told, ErrorCode.DEADLINE_EXCEEDED, headers=UNREAD) from None

    async def _receive_all(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._settings.max_body_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_large(self) -> Refused:
        return Refused(413, f"the request is larger than {self._settings.max_body_bytes} bytes", headers=UNREAD)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by lower-case names; of several with one name the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
