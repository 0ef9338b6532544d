"""Who calls: the one question that a server asks before it reads anything else of a call."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from service_core.errors import DeclarationException

__all__ = ["TokenVerifier", "check_verifier"]


class TokenVerifier(Protocol):
    """Tells whose bearer token it is that came with a call.

    A server that has one lets nobody in without a token, except to methods that are declared with
    ``@allow_anonymous``. What the principal may do is for the implementation to say: it asks
    ``current_principal()`` and raises AuthorizationException.
    """

    async def verify(self, token: str) -> Any:
        """The principal, any object but None and bool: ``current_principal()`` gives it to the implementation.

        Raises InvalidTokenException or TokenExpiredException, which the caller gets. Any other error is logged and
        the call refused. Called on the server's event loop for every call, so what is slow it keeps. It gets the
        time of the call, at most 10 s, and is cancelled then: what several calls wait for, say for keys, it shields.
        """
        ...


def check_verifier(verifier: Any) -> None:
    """Raise DeclarationException unless it has the method of a verifier."""
    if not inspect.iscoroutinefunction(getattr(verifier, "verify", None)):
        raise DeclarationException(
            f"{verifier!r} is no token verifier; give it a method 'async def verify(self, token: str)' that returns "
            f"whose token it is"
        )
