"""Replies that are not an outcome of the method: refusals, and answers of other servers."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.proxies import proxy_of
from service_core import (
    AuthorizationException,
    ErrorCode,
    MethodDescriptor,
    ProtocolException,
    ServiceCommunicationException,
    ServiceException,
)
from service_core.errors import code_for_status
from service_core.rest import media_type_of, read_message
from service_core.wire import CORRELATION_ID, error_from_wire, token_error, unexpected_form

_SHOWN: Final = 200
"""Bytes of an unreadable answer that an error keeps."""


def refused(
    request: HTTPRequest, reply: HTTPReply, *, gateway_503_not_run: bool = False, without_route: Collection[int] = ()
) -> Exception:
    """The error for a reply with a status >= 400 in no form of this protocol: a gateway or another server sent it.

    Such an answer does not show whether the call has run: a gateway also answers 503 when it loses the connection
    to a server that is executing the call. ``gateway_503_not_run`` declares that the gateway answers 503 only if it
    passed the request to no server. With a status of ``without_route`` a server of another kind says that it has no
    such path: the message in such a reply is no failure of the method.
    """
    where, status = request.where, reply.status
    proxy = proxy_of(request.url)
    if proxy is not None:
        where = f"{where} through the HTTP proxy {proxy.address} ({proxy.variable})"
        return _gateway_error(where, reply, gateway_503_not_run=False)
    if status == 401:
        error: ServiceException = token_error(reply.headers.get("www-authenticate", ""), where)
    elif status == 403:
        error = AuthorizationException(f"{where}: HTTP 403", details=_shown(reply))
    else:
        message = None if status in without_route else _message_of_server(where, reply)
        return message or _gateway_error(where, reply, gateway_503_not_run=gateway_503_not_run)
    error.may_have_run = True
    return error


def _message_of_server(where: str, reply: HTTPReply) -> Exception | None:
    """The error for a refusal of a server of another kind, whose body describes the fault of the request."""
    if reply.status >= 500 or reply.status in _OF_GATEWAYS:
        return None
    refusal = read_message(reply.status, reply.headers.get("content-type", ""), reply.content)
    return None if refusal is None else error_from_wire(refusal, where=where, declared={})


def _gateway_error(where: str, reply: HTTPReply, *, gateway_503_not_run: bool) -> ServiceCommunicationException:
    status = reply.status
    kind = ServiceCommunicationException if status in (502, 503, 504) else ProtocolException
    may_have_run = status != 503 or not gateway_503_not_run
    return kind(
        f"{where}: HTTP {status} from a gateway or a server of another kind; check the address; the call "
        f"{'may have' if may_have_run else 'has not'} run",
        code=ErrorCode.UNAVAILABLE if kind is ServiceCommunicationException else code_for_status(status),
        may_have_run=may_have_run,
        retry_after=retry_after(reply),
        details=_shown(reply),
    )


_OF_GATEWAYS: Final = frozenset({408, 413, 429})
"""Statuses below 500 that gateways generate themselves, some of them with a body in JSON."""


def unreadable(request: HTTPRequest, reply: HTTPReply, reason: str) -> ProtocolException:
    """The error for a reply that is not of this protocol.

    ``details`` show its status, type and first bytes; the message does not, since they may be data of other users.
    """
    return ProtocolException(
        f"{request.where}: {reason}; check that the address is that of a service and not of a proxy or web page",
        may_have_run=True,
        details=_shown(reply),
    )


def unexpected(request: HTTPRequest, reply: HTTPReply, method: MethodDescriptor) -> ServiceCommunicationException:
    """The error for a stream where the caller's interface has one result, or the other way round.

    A server of this protocol has another interface; any other server is perhaps the wrong one.
    """
    if CORRELATION_ID in reply.headers:
        return unexpected_form(method, where=request.where)
    wanted = "one result" if method.stream is None else "a stream"
    return unreadable(request, reply, f"answered with content type '{media_type(reply)}' where {wanted} was expected")


def media_type(reply: HTTPReply) -> str:
    """The content type without parameters, in lower case."""
    return media_type_of(reply.headers.get("content-type", ""))


def retry_after(reply: HTTPReply) -> float | None:
    """Seconds until the server accepts requests again, given as such or as a date (RFC 9110, section 10.2.3).

    Infinite for a date beyond the calendar; None if the header is missing or is neither.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text)
    else:
        try:
            date = parsedate_to_datetime(text).astimezone(UTC)
        except ValueError:
            return None
        except OverflowError:  # a date at the end of the calendar
            return math.inf
        seconds = max(0.0, (date - datetime.now(UTC)).total_seconds())
    return seconds


def _shown(reply: HTTPReply) -> dict[str, object]:
    return {
        "status": reply.status,
        "content_type": reply.headers.get("content-type", ""),
        "start": repr(reply.content[:_SHOWN]),
    }
