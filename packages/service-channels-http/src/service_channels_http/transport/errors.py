"""The one place where errors of a transport become ours: what the engine meets, and httpx's exceptions."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.tls_failures import is_refusal, remedy, tls_error
from service_core import (
    DeadlineExceeded,
    LocalServiceException,
    ProtocolException,
    ServiceCommunicationException,
    ServiceException,
)

__all__ = ["broken_off", "lost", "not_sent", "time_is_up", "translated"]


@contextmanager
def translated(request: HTTPRequest, client: httpx.Client | httpx.AsyncClient) -> Iterator[None]:
    """Raise what goes wrong with httpx inside the block as an error of the tree; others pass as they are."""
    try:
        _check_address(request.url)
        yield
    except (httpx.LocalProtocolError, UnicodeEncodeError):
        # Without the cause, which shows the value: it may be a token.
        raise LocalServiceException(
            f"{request.where}: the name or value of a header cannot be sent; use printable ASCII, and no blanks around "
            f"a value"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        raise _translate(error, request) from error
    except RuntimeError as error:
        if client.is_closed:
            raise LocalServiceException(f"{request.where}: the channel was closed before the call") from error
        raise


@functools.lru_cache(1000)
def _check_address(url: str) -> None:
    """Raise httpx.InvalidURL, also for what only a socket finds wrong and says in many ways."""
    try:
        address = httpx.URL(url)
        address.raw_host.decode().encode("idna")
    except UnicodeError as error:
        raise httpx.InvalidURL("not a name of a host") from error
    if not 0 <= (address.port or 0) <= 65535:
        raise httpx.InvalidURL(f"Invalid port: {address.port}")


def time_is_up(where: str) -> DeadlineExceeded:
    """The error for a call whose deadline has passed while it waited."""
    return DeadlineExceeded(f"{where}: no answer before the deadline of the call")


def not_sent(request: HTTPRequest, reason: str, cause: Exception) -> ServiceCommunicationException:
    """The error for a request of which nothing was sent, so another instance may be asked."""
    return ServiceCommunicationException(f"{request.where}: {reason} ({_cause(cause)}){_what_to_do(cause)}")


def lost(request: HTTPRequest, error: Exception) -> ServiceCommunicationException:
    """The error for a connection that broke after the request was sent."""
    return _refused_by_tls(request, error) or _may_have_run(request, _LOST)


def broken_off(request: HTTPRequest) -> ServiceCommunicationException:
    """The error for an answer that has no end, or is no HTTP."""
    return _may_have_run(request, _BROKEN_OFF)


_LOST: Final = "the connection was lost before the answer was complete"
_BROKEN_OFF: Final = "no complete HTTP answer before the connection ended"

# Certainly not sent.
_NOT_SENT: Final[dict[type[Exception], str]] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "cannot connect",
    httpx.PoolTimeout: "no connection of the client became free in time",
    httpx.ProxyError: "the HTTP proxy did not connect",
    httpx.UnsupportedProtocol: "not an http or https address",
    httpx.InvalidURL: "not a valid address",
}
# From here on the request may have arrived; most specific first.
_SENT: Final[dict[type[Exception], str]] = {
    httpx.RemoteProtocolError: _BROKEN_OFF,
    httpx.TimeoutException: "no answer in time",
    httpx.TransportError: _LOST,
    ssl.SSLError: _LOST,
}


def _translate(error: Exception, request: HTTPRequest) -> ServiceException:
    if isinstance(error, httpx.TimeoutException) and request.deadline.expired:
        return time_is_up(request.where)
    for kind, reason in _NOT_SENT.items():
        if isinstance(error, kind):
            return not_sent(request, reason, error)
    refused = _refused_by_tls(request, error)
    if refused is not None:
        return refused
    for kind, reason in _SENT.items():
        if isinstance(error, kind):
            return _may_have_run(request, reason)
    return ProtocolException(f"{request.where}: the answer cannot be read as HTTP", may_have_run=True)


def _may_have_run(request: HTTPRequest, reason: str) -> ServiceCommunicationException:
    return ServiceCommunicationException(f"{request.where}: {reason}; the call may have run", may_have_run=True)


def _refused_by_tls(request: HTTPRequest, error: Exception) -> ServiceCommunicationException | None:
    cause = tls_error(error)
    return not_sent(request, "cannot connect", cause) if cause is not None and is_refusal(cause) else None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _what_to_do(error: Exception) -> str:
    cause = tls_error(error)
    hint = remedy(cause) if cause is not None else ""
    return f"; {hint}" if hint else ""
