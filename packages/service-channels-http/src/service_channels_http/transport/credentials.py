"""The headers and tokens that a channel adds to every request."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from service_channels_http.transport.messages import HTTPRequest
from service_core import DeadlineExceeded, LocalServiceException

TokenProvider: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a bearer token; called for every request, so it should cache. May be async for async calls."""


def provided(provider: TokenProvider, where: str) -> str:
    """The token of a provider. Raises LocalServiceException if it has to be awaited."""
    token = provider()
    if isinstance(token, str):
        return token
    if inspect.iscoroutine(token):
        token.close()
    raise LocalServiceException(
        f"{where}: the channel's token_provider is async, but the method is not; use a provider that is not "
        f"async, or declare the method with 'async def'"
    )


async def provided_async(provider: TokenProvider) -> str:
    """The token of a provider."""
    token = provider()
    return token if isinstance(token, str) else await token


def taken_by_provider(caller: str) -> DeadlineExceeded:
    """The error of a call whose deadline has passed while its token was awaited."""
    return DeadlineExceeded(f"{caller}: deadline exceeded before the call was sent; its token_provider took the time")


def with_credentials(request: HTTPRequest, headers: Mapping[str, str], token: str | None) -> HTTPRequest:
    """The request with a channel's headers and token, unless it has such headers itself."""
    own = {name.lower(): value for name, value in headers.items()}
    if token is not None:
        own["authorization"] = f"Bearer {token}"
    more = {name: own[name] for name in own if name not in request.fixed and name not in request.headers}
    return replace(request, headers={**request.headers, **more}) if more else request
