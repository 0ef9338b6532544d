"""The base of channels that use httpx."""

from __future__ import annotations

import asyncio
import functools
import math
import time
import ssl
from typing import Any, Final

import httpx

from service_channels_http._clients import ClientOfLoop, ClientOfProcess
from service_channels_http._errors import time_is_up, translated
from service_channels_http._exchange import Exchange, Outcome
from service_channels_http._limits import Guard, guarded, timeouts
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import Channel

__all__ = ["HTTPXChannel"]

_LIMITS: Final = httpx.Limits(
    # Without a limit nobody waits for a connection, so cancelling such a wait cannot lose one (httpcore issue 1093).
    max_connections=None,
    max_keepalive_connections=100,
    # uvicorn closes idle connections after 5 s, at which moment we must not send on one.
    keepalive_expiry=4.0,
)


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds, too long for every event loop anew.
    return httpx.create_ssl_context()


class HTTPXChannel(Channel):
    """Sends requests with httpx clients, which subclasses and advice may replace.

    A subclass implements ``invoke`` and ``invoke_async``, with :meth:`exchange` or directly with :meth:`send`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connect_timeout = 2.0
        """Seconds for a connection to be made, at most; what is left of the call's time is for another instance."""
        self.max_response_bytes = 64 * 1024 * 1024
        """How large an answer may be."""
        self.limits = _LIMITS
        """For clients: how many connections, and how long idle ones are kept."""
        self._client = ClientOfProcess()
        self._async_client = ClientOfLoop()

    # clients

    def make_client(self) -> httpx.Client:
        """A new client for sync calls; a place for advice and subclasses.

        Called at the first call, once per process. The channel owns the client and closes it. Requests are sent with
        ``client.request``, with timeouts of their own. Pass ``limits=self.limits`` to a client of yours.
        """
        return httpx.Client(limits=self.limits, verify=_tls())

    def make_async_client(self) -> httpx.AsyncClient:
        """A new client for async calls; a place for advice and subclasses.

        As :meth:`make_client`, but called once per event loop; the client is closed with the loop at the latest.
        """
        return httpx.AsyncClient(limits=self.limits, verify=_tls())

    def get_client(self) -> httpx.Client:
        """The client for sync calls. Raises LocalServiceException if the channel is closed."""
        return self._client.get(self.make_client)

    def get_async_client(self) -> httpx.AsyncClient:
        """The client for async calls on the running loop. Raises LocalServiceException if the channel is closed."""
        return self._async_client.get(self.make_async_client)

    def close(self) -> None:
        """Close the sync client; later calls fail. Async clients are closed by :meth:`aclose` or with their loop."""
        self._client.close()
        self._async_client.close()

    async def aclose(self) -> None:
        """Close the sync client and the async one of the running loop; later calls fail."""
        self.close()
        await self._async_client.aclose()

    # calls

    def exchange(self, exchange: Exchange) -> Any:
        """Carry out a call, on other instances too if need be. Raises what went wrong."""
        outcome: Outcome | None = None
        while outcome is None:
            if exchange.attempts.pause:
                time.sleep(exchange.attempts.pause)
            with exchange.attempt() as request:
                outcome = exchange.complete(request, self.send(request))
        return outcome.unwrap()

    async def exchange_async(self, exchange: Exchange) -> Any:
        """Carry out a call, on other instances too if need be. Raises what went wrong."""
        deadline = exchange.attempts.deadline
        outcome: Outcome | None = None
        limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
        try:
            async with limit:
                while outcome is None:
                    if exchange.attempts.pause:
                        await asyncio.sleep(exchange.attempts.pause)
                    with exchange.attempt() as request:
                        outcome = exchange.complete(request, await self.send_async(request))
        except TimeoutError:
            if not limit.expired():
                raise
            raise time_is_up(exchange.caller) from None
        return outcome.unwrap()

    def send(self, request: HTTPRequest) -> HTTPReply:
        """Send one request and wait for the reply, whatever its status.

        Raises ServiceCommunicationException, DeadlineExceeded.
        """
        client = self.get_client()
        guard = Guard(request, self.max_response_bytes)
        with translated(request, client), guarded(guard):
            response = client.request(
                request.method,
                request.url,
                content=request.content,
                headers=request.headers,
                timeout=timeouts(request.deadline, self.connect_timeout),
                extensions={"trace": guard.on_event},
            )
        return HTTPReply(status=response.status_code, headers=response.headers, content=response.content)

    async def send_async(self, request: HTTPRequest) -> HTTPReply:
        """Send one request and wait for the reply, whatever its status; the deadline is up to the caller.

        Raises ServiceCommunicationException.
        """
        client = self.get_async_client()
        with translated(request, client), guarded(Guard(request, self.max_response_bytes)):
            response = await client.request(
                request.method,
                request.url,
                content=request.content,
                headers=request.headers,
                timeout=httpx.Timeout(None, connect=self.connect_timeout),
            )
        return HTTPReply(status=response.status_code, headers=response.headers, content=response.content)
