"""The errors of a request that every transport raises, by the state of the bytes sent."""

from __future__ import annotations

import socket

from service_channels_http.transport.interruption import interruption_in
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.tls.failures import is_refusal, remedy, tls_error
from service_core import DeadlineExceeded, ServiceCommunicationException


def pass_interruption(error: BaseException) -> None:
    """Raise an error that the handler of a signal has raised in the middle of a wait."""
    interruption = interruption_in(error)
    if interruption is not None:
        raise interruption


def deadline_exceeded(request: HTTPRequest, *, may_have_run: bool) -> DeadlineExceeded:
    """The error for a request whose deadline passed while it waited."""
    reason = "no answer before" if may_have_run else "nothing was sent before"
    return DeadlineExceeded(f"{request.where}: {reason} the deadline of the call", may_have_run=may_have_run)


def not_sent(request: HTTPRequest, reason: str, cause: Exception) -> ServiceCommunicationException:
    """The error for a request of which nothing was sent, so that it may be retried on another instance.

    Raises ``cause`` if it is no error of the connection.
    """
    pass_interruption(cause)
    return ServiceCommunicationException(f"{request.where}: {reason} ({_cause(cause)}){_what_to_do(cause)}")


def lost(request: HTTPRequest, error: Exception) -> ServiceCommunicationException:
    """The error for a connection that broke after the request was sent. Raises ``error`` if it is of another kind."""
    pass_interruption(error)
    return refused_by_tls(request, error) or may_have_run(
        request, "the connection was lost before the answer was complete"
    )


def broken_off(request: HTTPRequest) -> ServiceCommunicationException:
    """The error for an answer that is incomplete or not HTTP."""
    return may_have_run(request, "no complete HTTP answer before the connection ended")


def may_have_run(request: HTTPRequest, reason: str) -> ServiceCommunicationException:
    """The error for a request that was sent and has no answer."""
    return ServiceCommunicationException(f"{request.where}: {reason}; the call may have run", may_have_run=True)


def refused_by_tls(request: HTTPRequest, error: Exception) -> ServiceCommunicationException | None:
    """The error if the server refused the TLS handshake, so that it has read nothing of the request."""
    cause = tls_error(error)
    return not_sent(request, "cannot connect", cause) if cause is not None and is_refusal(cause) else None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _what_to_do(error: Exception) -> str:
    cause = tls_error(error)
    hint = remedy(cause) if cause is not None else _of_connection(error)
    return f"; {hint}" if hint else ""


def _of_connection(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return "check that a server runs at this address"
        if isinstance(error, socket.gaierror):
            return "check the host name"
        error = error.__cause__ or error.__context__
    return ""
