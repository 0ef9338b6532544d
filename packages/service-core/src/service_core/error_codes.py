"""The kinds of failure, and the HTTP status of each.

Codes and HTTP statuses map one to one; :func:`code_for_status` also covers statuses that other servers and proxies
send.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ErrorCode(StrEnum):
    """The kinds of failure, as they travel on the wire."""

    INVALID_ARGUMENT = "invalid_argument"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    FAILED_PRECONDITION = "failed_precondition"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"

    @property
    def http_status(self) -> int:
        """The one HTTP status of this code."""
        return _STATUS[self]


_STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.INVALID_ARGUMENT: 422,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.PERMISSION_DENIED: 403,
        ErrorCode.FAILED_PRECONDITION: 412,
        ErrorCode.RESOURCE_EXHAUSTED: 429,
        ErrorCode.DEADLINE_EXCEEDED: 504,
        ErrorCode.UNAVAILABLE: 503,
        ErrorCode.UNIMPLEMENTED: 501,
        ErrorCode.INTERNAL: 500,
    }
)
_CODE = {status: code for code, status in _STATUS.items()} | {
    400: ErrorCode.INVALID_ARGUMENT,
    405: ErrorCode.UNIMPLEMENTED,
    408: ErrorCode.DEADLINE_EXCEEDED,
    409: ErrorCode.FAILED_PRECONDITION,
    410: ErrorCode.NOT_FOUND,
    413: ErrorCode.INVALID_ARGUMENT,
    415: ErrorCode.INVALID_ARGUMENT,
    502: ErrorCode.UNAVAILABLE,
}


def code_for_status(status: int) -> ErrorCode:
    """The code for an HTTP status >= 400; unknown 4xx are errors of the caller, unknown 5xx of the server."""
    known = _CODE.get(status)
    if known is not None:
        return known
    return ErrorCode.INVALID_ARGUMENT if 400 <= status < 500 else ErrorCode.INTERNAL
