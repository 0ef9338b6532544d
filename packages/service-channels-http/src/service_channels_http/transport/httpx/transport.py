"""Sending with httpx clients, which a user may have created."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from service_channels_http.transport.errors import deadline_exceeded
from service_channels_http.transport.header_values import encoded_headers
from service_channels_http.transport.httpx.failures import translated
from service_channels_http.transport.httpx.guard import Guard, guarded, timeouts, watch, watch_async
from service_channels_http.transport.limits import in_time
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import LocalServiceException


class HTTPXTransport:
    """Sends every request with a client. Safe to use from several threads."""

    def __init__(self, client: Callable[[], httpx.Client]) -> None:
        """``client`` returns the client of this process."""
        self._client = client

    def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply:
        """Send one request and wait for the reply. Raises as every transport does."""
        client = self._client()
        guard = Guard(request, max_bytes)
        with translated(request, client), guarded(guard):
            response = client.request(
                request.method,
                request.url,
                content=request.content,
                headers=encoded_headers(request),
                timeout=timeouts(request.deadline, connect_timeout),
                extensions={"trace": guard.on_event},
            )
        return HTTPReply(response.status_code, response.headers, response.content)


class AsyncHTTPXTransport:
    """Sends every request with an async client."""

    def __init__(self, client: Callable[[], httpx.AsyncClient]) -> None:
        """``client`` returns the client of the running event loop."""
        self._client = client

    async def send(self, request: HTTPRequest, *, connect_timeout: float, max_bytes: int) -> HTTPReply:
        """Send one request and wait for the reply. Raises as every transport does."""
        client = self._client()
        guard = Guard(request, max_bytes)

        def late() -> Exception:
            return deadline_exceeded(request, may_have_run=guard.may_have_run)

        with translated(request, client), guarded(guard):
            async with in_time(request.deadline, late):
                response = await client.request(
                    request.method,
                    request.url,
                    content=request.content,
                    headers=encoded_headers(request),
                    timeout=httpx.Timeout(None, connect=connect_timeout),
                    extensions={"trace": guard.on_event_async},
                )
        return HTTPReply(response.status_code, response.headers, response.content)


def checked(make: Callable[[], httpx.Client]) -> httpx.Client:
    """A client of ``make``, with the hook for guards. Raises LocalServiceException for anything but a client."""
    client = make()
    if not isinstance(client, httpx.Client):
        raise _wrong_type(make, "Client", client)
    watch(client)
    return client


def checked_async(make: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
    """As :func:`checked`, for async clients."""
    client = make()
    if not isinstance(client, httpx.AsyncClient):
        raise _wrong_type(make, "AsyncClient", client)
    watch_async(client)
    return client


def _wrong_type(make: object, expected: str, client: object) -> LocalServiceException:
    name = getattr(make, "__qualname__", "make_client")
    return LocalServiceException(f"{name}() must return a httpx.{expected}, not {client!r}")
