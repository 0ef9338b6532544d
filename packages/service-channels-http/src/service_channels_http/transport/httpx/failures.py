"""The one place where exceptions of httpx become errors of the tree."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from service_channels_http.transport.errors import (
    deadline_exceeded,
    may_have_run,
    not_sent,
    pass_interruption,
    refused_by_tls,
)
from service_channels_http.transport.messages import HTTPRequest
from service_core import LocalServiceException, ProtocolException, ServiceException


@contextmanager
def translated(request: HTTPRequest, client: httpx.Client | httpx.AsyncClient) -> Iterator[None]:
    """Convert exceptions of httpx inside the block to errors of the tree; others pass unchanged."""
    try:
        _check_address(request.url)
        yield
    except (httpx.LocalProtocolError, UnicodeEncodeError):
        # Without the cause, which contains the value: it may be a token.
        raise LocalServiceException(
            f"{request.where}: the name or value of a header cannot be sent; use printable ASCII, and no blanks around "
            f"a value"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        pass_interruption(error)
        raise _translate(error, request) from error
    except RuntimeError as error:
        if client.is_closed:
            raise LocalServiceException(f"{request.where}: the channel was closed before the call") from error
        raise


@functools.lru_cache(1000)
def _check_address(url: str) -> None:
    """Raise httpx.InvalidURL, also for a host or port that only a socket would refuse; LocalServiceException for a Unix
    domain socket."""
    if url.startswith("http+unix:"):
        raise LocalServiceException(
            f"requests to the Unix socket {url!r} are sent by the engine, but this channel sends with httpx: it has a "
            f"client or limits of its own or transport='httpx'; give that client "
            f"httpx.HTTPTransport(uds=...) and the channel the address http://localhost"
        )
    try:
        address = httpx.URL(url)
        address.raw_host.decode().encode("idna")
    except UnicodeError as error:
        raise httpx.InvalidURL("not a name of a host") from error
    if not 0 <= (address.port or 0) <= 65535:
        raise httpx.InvalidURL(f"Invalid port: {address.port}")


_LOST: Final = "the connection was lost before the answer was complete"

# Certainly not sent.
_NOT_SENT: Final[dict[type[Exception], str]] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "cannot connect",
    httpx.PoolTimeout: "no connection of the client became free in time",
    httpx.ProxyError: "the HTTP proxy did not connect",
    httpx.UnsupportedProtocol: "not an http or https address",
    httpx.InvalidURL: "not a valid address",
}
# For all others the request may have arrived; most specific first.
_SENT: Final[dict[type[Exception], str]] = {
    httpx.RemoteProtocolError: "no complete HTTP answer before the connection ended",
    httpx.TimeoutException: "no answer in time",
    httpx.TransportError: _LOST,
    ssl.SSLError: _LOST,
}


def _translate(error: Exception, request: HTTPRequest) -> ServiceException:
    if isinstance(error, httpx.TimeoutException) and request.deadline.expired:
        return deadline_exceeded(request, may_have_run=not isinstance(error, httpx.ConnectTimeout))
    for kind, reason in _NOT_SENT.items():
        if isinstance(error, kind):
            return not_sent(request, reason, error)
    refused = refused_by_tls(request, error)
    if refused is not None:
        return refused
    for kind, reason in _SENT.items():
        if isinstance(error, kind):
            return may_have_run(request, reason)
    return ProtocolException(f"{request.where}: the answer cannot be read as HTTP", may_have_run=True)
