"""The HTTP request that is being answered, for code deep inside that needs a header or the peer's address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import Scope

__all__ = ["RequestContext"]

_request: ContextVar[Request | None] = ContextVar("service_request", default=None)


class RequestContext:
    """Gives access to the current request, in async methods and in worker threads alike.

    The body is gone: it holds the call that is being executed.
    """

    @staticmethod
    def get_request() -> Request:
        """The request that is being answered here. Raises LookupError outside a request."""
        request = _request.get()
        if request is None:
            raise LookupError("there is no HTTP request here: this code was not called through the server")
        return request

    @staticmethod
    def is_active() -> bool:
        """Whether a request is being answered here."""
        return _request.get() is not None

    @staticmethod
    @contextmanager
    def use(scope: Scope) -> Iterator[None]:
        """Make the request of an ASGI scope the current one inside the block."""
        token = _request.set(Request(scope))
        try:
            yield
        finally:
            _request.reset(token)
