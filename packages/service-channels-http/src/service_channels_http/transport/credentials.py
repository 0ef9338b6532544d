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
    """The token of a provider. Raises LocalServiceException if it has to be awaited, or is no string."""
    token = provider()
    if not isinstance(token, str) and inspect.isawaitable(token):
        if inspect.iscoroutine(token):
            token.close()
        raise LocalServiceException(
            f"{where}: the channel's token_provider is async, but the method is not; use a provider that is not "
            f"async, or declare the method with 'async def'"
        )
    return _checked(token, where)


async def provided_async(provider: TokenProvider, where: str) -> str:
    """The token of a provider. Raises LocalServiceException if it is no string."""
    token = provider()
    if not isinstance(token, str) and inspect.isawaitable(token):
        token = await token
    return _checked(token, where)


def _checked(token: object, where: str) -> str:
    if isinstance(token, str):
        fault = fault_of_token(token)
        if not fault:
            return token
        raise LocalServiceException(f"{where}: the token of the channel's token_provider {fault}")
    raise LocalServiceException(
        f"{where}: the channel's token_provider returned {'None' if token is None else type(token).__name__}; return "
        f"the token as a string. Outside of a served call, current_context().token is None"
    )


def fault_of_token(token: str) -> str:
    """What is wrong with a token that cannot be sent as it is, and what to do; empty if nothing is."""
    if not token:
        return "is empty; check the variable or file that it is read from"
    if token != token.strip():
        return "has blanks or line ends at its ends; pass token.strip()"
    return ""


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
