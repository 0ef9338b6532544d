"""Who calls: the one question that a server asks before it reads anything else of a call."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["TokenVerifier"]


class TokenVerifier(Protocol):
    """Tells whose bearer token it is that came with a call.

    A server that has one lets nobody in without a token, except to methods that are declared with
    ``@allow_anonymous``. What the principal may do is for the implementation to say: it asks
    ``current_principal()`` and raises AuthorizationException.
    """

    async def verify(self, token: str) -> Any:
        """The principal, any object but None: ``current_principal()`` gives it to the implementation.

        Raises InvalidTokenException or TokenExpiredException, which the caller gets. Any other error is logged and
        the call refused. Called on the server's event loop for every call, so what is slow it keeps; it gets the
        time of the call, or 10 s if that has no limit.
        """
        ...
