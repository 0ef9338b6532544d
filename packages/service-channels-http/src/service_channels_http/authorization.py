"""What a channel adds to every request: its own headers, and a bearer token."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from service_channels_http.transport.credentials import TokenProvider, provided, provided_async, with_credentials
from service_channels_http.transport.errors import deadline_exceeded
from service_channels_http.transport.limits import in_time
from service_channels_http.transport.messages import HTTPRequest
from service_core import Channel, Deadline, current_context


class AuthorizingChannel(Channel):
    """A channel with headers and a token of its own. Safe to use from several threads and event loops."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, str] = {}
        """Headers of every request, unless the request has such a header itself."""
        self.token_provider: TokenProvider | None = None
        """Returns the bearer token for every request; None for no token. With :attr:`forward_token` the token of the
        calling context takes precedence."""

    def authorized(self, request: HTTPRequest) -> HTTPRequest:
        """The request with the channel's headers and token."""
        token = None if "authorization" in request.headers else self._token(request.where)
        return with_credentials(request, self.headers, token)

    async def authorized_async(self, request: HTTPRequest) -> HTTPRequest:
        """As :meth:`authorized`, for async calls."""
        token = None
        if "authorization" not in request.headers:
            late = partial(deadline_exceeded, request, may_have_run=False)
            token = await self._token_async(request.where, request.deadline, late)
        return with_credentials(request, self.headers, token)

    def _token(self, where: str) -> str | None:
        token = current_context().token if self.forward_token else None
        return token if token is not None or self.token_provider is None else provided(self.token_provider, where)

    async def _token_async(self, where: str, deadline: Deadline, late: Callable[[], Exception]) -> str | None:
        token = current_context().token if self.forward_token else None
        if token is not None or self.token_provider is None:
            return token
        async with in_time(deadline, late):
            return await provided_async(self.token_provider, where)
