"""The HTTP request that is being answered, for code deep inside that needs a header or the peer's address."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

__all__ = ["RequestContext"]

_scope: ContextVar[Scope | None] = ContextVar("service_request", default=None)


class RequestContext:
    """Gives access to the current request, in async methods and in worker threads alike.

    The body is gone: it holds the call that is being executed.
    """

    @staticmethod
    def get_request() -> Request:
        """The request that is being answered here. Raises LookupError outside a request."""
        scope = _scope.get()
        if scope is None:
            raise LookupError("there is no HTTP request here: this code was not called through the server")
        return Request(scope)

    @staticmethod
    def is_active() -> bool:
        """Whether a request is being answered here."""
        return _scope.get() is not None

    enter: Final = staticmethod(_scope.set)
    """Make the request of an ASGI scope the current one, until :attr:`leave` is called with the token."""
    leave: Final = staticmethod(_scope.reset)
    """Make the request current that was so before."""
