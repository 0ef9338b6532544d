"""Errors between this process and Consul, each with its remedy.

None of them reaches a caller of a service: they are logged and shown in the registry's status.
"""

from __future__ import annotations

import ssl
from typing import Final

CHECK_URL: Final = "check setting 'url' (SERVICE_CONSUL_URL or CONSUL_HTTP_ADDR)"
CHECK_TOKEN: Final = "check setting 'token' (SERVICE_CONSUL_TOKEN or CONSUL_HTTP_TOKEN)"  # noqa: S105
CHECK_CERTIFICATES: Final = "check settings 'ca_file', 'cert_file' and 'key_file'"

_TOO_MANY: Final = (
    "too many connections come from this machine; lower 'max_queries' or 'max_queries_per_machine', or raise "
    "limits.http_max_conns_per_client of the agent"
)

_QUOTED: Final = 200
"""Characters of a foreign answer that a message quotes."""


class ConsulError(Exception):
    """Consul did not answer, or its answer is invalid. The message names the setting to check."""


class ConsulUnreachable(ConsulError):
    """No connection could be made, or it was lost."""


class ConsulRefusal(ConsulError):
    """Consul answered this one request with another status than 200."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def unreachable(url: str, error: BaseException) -> ConsulUnreachable:
    """The error for a connection that could not be opened or was lost."""
    if isinstance(error, EOFError | ConnectionResetError):
        return ConsulUnreachable(
            f"cannot reach Consul at {url} (it closed the connection): it has stopped, it does not listen there "
            f"({CHECK_URL}), or {_TOO_MANY}"
        )
    reason = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        return ConsulUnreachable(f"cannot speak TLS with Consul at {url} ({reason}); {CHECK_CERTIFICATES}")
    return ConsulUnreachable(f"cannot reach Consul at {url} ({reason}); start it, or {CHECK_URL}")


def malformed_answer(url: str, what: str) -> ConsulError:
    """The error for an answer that is not from Consul."""
    return ConsulError(f"the answer of {url} is not from Consul ({what}); {CHECK_URL}")


def refused(url: str, status: int, body: str) -> ConsulRefusal:
    """The error for an answer with another status than 200."""
    answered_with = f"Consul at {url} answered {status} ({' '.join(body.split())[:_QUOTED] or 'without a reason'})"
    if status in (401, 403):
        remedy = CHECK_TOKEN
    elif status == 429:
        remedy = _TOO_MANY
    else:
        remedy = "it is retried" if status >= 500 else CHECK_URL
    return ConsulRefusal(f"{answered_with}; {remedy}", status)
