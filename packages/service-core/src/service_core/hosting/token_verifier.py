"""The interface of token verifiers, which authenticate callers before other parts of a request are read."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from service_core.errors import DeclarationException


class TokenVerifier(Protocol):
    """Maps the bearer token of a call to a principal.

    A server with a verifier refuses calls without a token, except of methods that are declared with
    ``@allow_anonymous``. The implementation decides what the principal may do: it reads ``current_principal()`` and
    raises AuthorizationException.
    """

    async def verify(self, token: str) -> Any:
        """The principal, any object but None and bool: ``current_principal()`` returns it to the implementation.

        Raises InvalidTokenException or TokenExpiredException, which the caller gets. Any other error is logged and
        the call refused. Called on the server's event loop for every call, so slow results should be cached. It is
        cancelled at the deadline of the call, after 10 s at most: an operation that several calls await, such as the
        fetch of keys, should be shielded.
        """
        ...


def check_verifier(verifier: Any) -> None:
    """Raise DeclarationException unless it has the method of a verifier."""
    if not inspect.iscoroutinefunction(getattr(verifier, "verify", None)):
        raise DeclarationException(
            f"{verifier!r} is no token verifier; pass an object with 'async def verify(self, token: str)' that returns "
            f"the principal of the token"
        )
