"""Transports: one request in, one reply out, with the state of the bytes sent on failure."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from service_channels_http.transport.messages import HTTPReply, HTTPRequest


class Transport(Protocol):
    """Sends requests of sync calls. Safe to use from several threads."""

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """Send one request and wait for the reply, of any status; None, and nothing is sent, for a request that
        another transport has to send.

        ``connect_timeout`` is in seconds, ``max_bytes`` the size of the largest reply. Raises
        ServiceCommunicationException and DeadlineExceeded, whose ``may_have_run`` is False if nothing was sent, and
        LocalServiceException.
        """
        ...


class AsyncTransport(Protocol):
    """Sends requests of async calls, on one event loop."""

    def send(
        self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int
    ) -> Coroutine[Any, Any, HTTPReply | None]:
        """As :meth:`Transport.send`; a call that is cancelled leaves no connection open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """Limits of the number of connections and of idle time, with the names of ``httpx.Limits``; None for no limit."""

    keepalive_expiry: float | None
    """Seconds that an idle connection is kept."""
    max_connections: int | None = None
    """By default no limit, so no call waits for a connection: httpcore loses one if such a wait is cancelled (issue
    1093)."""
    max_keepalive_connections: int | None = 100
    """The most idle connections."""
