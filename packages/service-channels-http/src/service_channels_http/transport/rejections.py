"""What a reply means that is not an outcome of the method: refusals, and answers of something else."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ProtocolException, ServiceCommunicationException
from service_core.errors import code_for_status
from service_core.rest import read_message
from service_core.wire import WireError, error_from_wire, token_error

__all__ = ["media_type", "refused", "retry_after", "unreadable"]

_LONGEST: Final = 24 * 3600.0
"""Seconds that a server can want to be left alone; who says more does not mean it."""
_SHOWN: Final = 200
"""How many bytes of an answer that cannot be read an error keeps."""


def refused(request: HTTPRequest, reply: HTTPReply) -> Exception:
    """The error for a reply with a status >= 400 that is none of ours, with the message that its body may have."""
    where = request.where
    if reply.status == 401:
        return token_error(reply.headers.get("www-authenticate", ""), where)
    if reply.status in (502, 504):
        # A gateway's word: it had passed the call on, and did not get an answer.
        return ServiceCommunicationException(
            f"{where}: a gateway got no answer from the server (HTTP {reply.status}); the call may have run",
            may_have_run=True,
            retry_after=retry_after(reply),
            details=_shown(reply),
        )
    told = read_message(reply.status, reply.headers.get("content-type", ""), reply.content)
    if told is None:
        told = WireError(code=code_for_status(reply.status), message=f"HTTP {reply.status}", details=_shown(reply))
    return error_from_wire(told, where=where, declared={}, refused=True, retry_after=retry_after(reply))


def unreadable(request: HTTPRequest, reply: HTTPReply, reason: str) -> ProtocolException:
    """The error for a reply that is none of our protocol.

    ``details`` show its status, type and first bytes; the message does not, since they may be anybody's data.
    """
    return ProtocolException(
        f"{request.where}: {reason}; check that the address is that of a service and not of a proxy or web page",
        may_have_run=True,
        details=_shown(reply),
    )


def media_type(reply: HTTPReply) -> str:
    """The content type without parameters, in lower case."""
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def retry_after(reply: HTTPReply) -> float | None:
    """Seconds that the server wants to be left alone, given as such or as a date (RFC 9110, section 10.2.3).

    None also for what is no such thing, and for more than a day.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text).astimezone(UTC)
        except (ValueError, OverflowError):  # the latter for a date at the end of the calendar
            return None
        seconds = max(0.0, (date - datetime.now(UTC)).total_seconds())
    return seconds if seconds <= _LONGEST else None


def _shown(reply: HTTPReply) -> dict[str, object]:
    return {
        "status": reply.status,
        "content_type": reply.headers.get("content-type", ""),
        "start": repr(reply.content[:_SHOWN]),
    }
