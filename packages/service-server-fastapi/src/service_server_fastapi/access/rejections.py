"""Refused requests: the exception that carries one to its answer, and the headers of that answer."""

from __future__ import annotations

from typing import Final

from service_core import ErrorCode
from service_core.dispatch import Headers, Response

CLOSE: Final = ("connection", "close")
UNREAD: Final[Headers] = (CLOSE,)
"""Headers of an answer to a request that has not been read to its end: the connection cannot be used again."""


class Rejection(Exception):
    """A request is refused before a method runs; the text is sent to the caller."""

    def __init__(
        self, status: int, message: str, code: ErrorCode = ErrorCode.INVALID_ARGUMENT, headers: Headers = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


def named(setting: str) -> str:
    """A setting of the server under both of its names, for the message of a refusal that it would lift."""
    return f"the setting {setting} (SERVICE_SERVER_{setting.upper()})"


def unread(answer: Response) -> Response:
    """The answer to a request whose body has not been read."""
    answer.headers = (*answer.headers, *UNREAD)
    return answer
