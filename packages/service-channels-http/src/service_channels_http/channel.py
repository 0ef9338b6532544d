"""The base of channels that use httpx."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from service_channels_http.authorization import AuthorizingChannel
from service_channels_http.settings import HTTPSettings
from service_channels_http.transport.credentials import taken_by_provider, with_credentials
from service_channels_http.transport.engine import AsyncEngine, AsyncEngineTransport, Engine, EngineTransport
from service_channels_http.transport.engine.connection_async import AsyncConnection
from service_channels_http.transport.engine.connection_sync import SyncConnection
from service_channels_http.transport.engine.pool import LeasedConnection
from service_channels_http.transport.exchange import Exchange
from service_channels_http.transport.interface import AsyncTransport, PoolLimits, Transport
from service_channels_http.transport.messages import NO_HEADERS, HTTPReply, HTTPRequest
from service_channels_http.transport.proxies import direct_mounts
from service_channels_http.transport.scopes import OncePerLoop, OncePerProcess
from service_core.resilience import AnswerWait
from service_core.wire import LARGE

if TYPE_CHECKING:  # imported by the transport that uses it
    import httpx

    from service_channels_http.transport.httpx import AsyncHTTPXTransport, HTTPXTransport


class HTTPXChannel(AuthorizingChannel):
    """Sends requests with httpx clients, which subclasses and advice may replace.

    If :meth:`make_client` and :meth:`make_async_client` are not replaced before the first call, the faster built-in
    engine sends instead. A subclass implements ``invoke`` and ``invoke_async``, with :meth:`exchange` or directly with
    :meth:`send`.
    """

    def __init__(self) -> None:
        super().__init__()
        settings = HTTPSettings.read()
        self.connect_timeout = settings.connect_timeout
        """The most seconds for a connection to be opened; the rest of the call's time is left for another instance."""
        self.max_response_bytes = settings.max_response_bytes
        """The largest size of an answer, in bytes."""
        self.gateway_503_not_run = settings.gateway_503_not_run
        """Whether a 503 in no form of this protocol means that the call has not run, so that it is retried."""
        self.tls = settings.tls
        """Trusted authorities and client certificate for ``https`` addresses. Set it before the first call."""
        self.transport: Literal["engine", "httpx"] = settings.transport
        """``"httpx"`` sends every request with httpx, so that its mocks and recorders see them; set it before the first
        call. ``"engine"`` sends with the engine unless a client is customised."""
        self._limits = PoolLimits(keepalive_expiry=settings.keep_alive)
        self._client = OncePerProcess(self._make_checked_client)
        self._async_client = OncePerLoop(self._make_checked_async_client)
        self._engine = EngineTransport(lambda: Engine(self._limits, self.tls))
        self._async_engine = AsyncEngineTransport(lambda: AsyncEngine(self._limits, self.tls))

    # clients

    @property
    def limits(self) -> httpx.Limits:
        """Limits of connections and of idle time, for clients. Set it before the first call."""
        import httpx

        return httpx.Limits(**asdict(self._limits))

    @limits.setter
    def limits(self, limits: httpx.Limits) -> None:
        self._limits = PoolLimits(
            keepalive_expiry=limits.keepalive_expiry,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
        )

    def make_client(self) -> httpx.Client:
        """A new client for sync calls; advice and subclasses may replace it.

        Called at the first call, once per process. The channel owns the client and closes it. Requests are sent with
        ``client.request``, with timeouts of their own. Pass ``limits=self.limits`` to a client of your own, and
        ``verify=self.tls.context()`` if addresses may be ``https``.
        """
        import httpx

        return httpx.Client(limits=self.limits, verify=self.tls.context(), mounts=direct_mounts())

    def make_async_client(self) -> httpx.AsyncClient:
        """A new client for async calls; advice and subclasses may replace it.

        As :meth:`make_client`, but called once per event loop; the client is closed with the loop at the latest.
        """
        import httpx

        return httpx.AsyncClient(limits=self.limits, verify=self.tls.context(), mounts=direct_mounts())

    def get_client(self) -> httpx.Client:
        """The client for sync calls. Raises LocalServiceException if the channel is closed."""
        return self._client.get()

    def get_async_client(self) -> httpx.AsyncClient:
        """The client for async calls on the running loop. Raises LocalServiceException if the channel is closed."""
        return self._async_client.get()

    def close(self) -> None:
        """Close the sync client; later calls fail. Async clients are closed by :meth:`aclose` or with their loop."""
        self._async_client.close()
        self._async_engine.close()
        self._engine.close()
        self._client.close()

    async def aclose(self) -> None:
        """Close the sync client and the async one of the running loop; later calls fail."""
        self.close()
        await self._async_engine.aclose()
        await self._async_client.aclose()

    # calls

    def exchange(self, exchange: Exchange) -> Any:
        """Execute a call, with retries on other instances. Raises the error of the call."""
        token = None
        if self.forward_token or self.token_provider is not None:
            token = self._token(exchange.caller)  # a failure must not count against an instance

        def send(url: str, wait: AnswerWait | None) -> Any:
            request = exchange.request(url)
            request.wait = wait
            if token is not None:
                request = with_credentials(request, NO_HEADERS, token)
            return exchange.complete(request, self.send(request))

        return self.run_hedged(exchange.call, send)

    async def exchange_async(self, exchange: Exchange) -> Any:
        """Execute a call, with retries on other instances. Raises the error of the call."""
        token = None
        if self.forward_token or self.token_provider is not None:
            late = partial(taken_by_provider, exchange.caller)
            token = await self._token_async(exchange.caller, exchange.call.deadline, late)

        async def send(url: str) -> Any:
            request = exchange.request(url)
            if token is not None:
                request = with_credentials(request, NO_HEADERS, token)
            reply = await self.send_async(request)
            if len(reply.content) < LARGE:
                return exchange.complete(request, reply)
            return await asyncio.to_thread(exchange.complete, request, reply)  # which takes long

        return await self.run_hedged_async(exchange.call, send)

    def send(self, request: HTTPRequest) -> HTTPReply:
        """Send one request and wait for the reply, of any status.

        Raises ServiceCommunicationException, DeadlineExceeded.
        """
        if self.headers or self.forward_token or self.token_provider is not None:
            request = self.authorized(request)
        reply = self._transport.send(request, connect_timeout=self.connect_timeout, max_bytes=self.max_response_bytes)
        if reply is None:
            reply = self._over_httpx.send(
                request, connect_timeout=self.connect_timeout, max_bytes=self.max_response_bytes
            )
        return reply

    async def send_async(self, request: HTTPRequest) -> HTTPReply:
        """Send one request and wait for the reply, of any status.

        Raises ServiceCommunicationException, DeadlineExceeded.
        """
        if self.headers or self.forward_token or self.token_provider is not None:
            request = await self.authorized_async(request)
        reply = await self._async_transport.send(
            request, connect_timeout=self.connect_timeout, max_bytes=self.max_response_bytes
        )
        if reply is None:
            reply = await self._async_over_httpx.send(
                request, connect_timeout=self.connect_timeout, max_bytes=self.max_response_bytes
            )
        return reply

    # streams

    def lease(self, request: HTTPRequest, until: HTTPRequest) -> LeasedConnection[SyncConnection] | None:
        """A connection for a request that has a stream; None where requests are sent with httpx.

        ``until`` is the same request with the deadline of connecting.
        """
        transport = self._transport
        return transport.lease(request, until, self.connect_timeout) if isinstance(transport, EngineTransport) else None

    async def lease_async(self, request: HTTPRequest, until: HTTPRequest) -> LeasedConnection[AsyncConnection] | None:
        """As :meth:`lease`, for async calls."""
        transport = self._async_transport
        if not isinstance(transport, AsyncEngineTransport):
            return None
        return await transport.lease(request, until, self.connect_timeout)

    # The transports are chosen at the first call, when clients are created as well; httpx is imported if it is needed.

    @cached_property
    def _transport(self) -> Transport:
        if self.transport == "httpx" or not _is_method(self.make_client, HTTPXChannel.make_client):
            return self._over_httpx
        return self._engine

    @cached_property
    def _async_transport(self) -> AsyncTransport:
        if self.transport == "httpx" or not _is_method(self.make_async_client, HTTPXChannel.make_async_client):
            return self._async_over_httpx
        return self._async_engine

    @cached_property
    def _over_httpx(self) -> HTTPXTransport:
        from service_channels_http.transport.httpx import HTTPXTransport

        return HTTPXTransport(self.get_client)

    @cached_property
    def _async_over_httpx(self) -> AsyncHTTPXTransport:
        from service_channels_http.transport.httpx import AsyncHTTPXTransport

        return AsyncHTTPXTransport(self.get_async_client)

    def _make_checked_client(self) -> httpx.Client:
        from service_channels_http.transport.httpx import checked

        return checked(self.make_client)

    def _make_checked_async_client(self) -> httpx.AsyncClient:
        from service_channels_http.transport.httpx import checked_async

        return checked_async(self.make_async_client)


def _is_method(method: object, function: object) -> bool:
    """Whether no subclass, advice or assignment has replaced a method."""
    return getattr(method, "__func__", None) is function
