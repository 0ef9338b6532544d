"""Transports: one request in, one reply out, and what is known about the bytes that were sent."""

from __future__ import annotations

from typing import Protocol

from service_channels_http.transport.messages import HTTPReply, HTTPRequest

__all__ = ["AsyncTransport", "PoolLimits", "Transport"]


class Transport(Protocol):
    """Carries requests of sync calls. Safe to use from several threads."""

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """Send one request and wait for the reply, whatever its status; None, and nothing is sent, for a request that
        another transport has to carry.

        ``connect_timeout`` is in seconds, ``max_bytes`` the size of the largest reply. Raises
        ServiceCommunicationException and DeadlineExceeded, whose ``may_have_run`` is False if nothing was sent, and
        LocalServiceException.
        """
        ...


class AsyncTransport(Protocol):
    """Carries requests of async calls, on one event loop."""

    async def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply | None:
        """As :meth:`Transport.send`; a call that is cancelled leaves no connection open."""
        ...


class PoolLimits(Protocol):
    """How many connections there are and how long idle ones are kept, with the names of ``httpx.Limits``."""

    @property
    def max_connections(self) -> int | None:
        """At most so many at once; None for no limit."""
        ...

    @property
    def max_keepalive_connections(self) -> int | None:
        """At most so many idle ones; None for no limit."""
        ...

    @property
    def keepalive_expiry(self) -> float | None:
        """Seconds that an idle one is kept; None for no limit."""
        ...
