"""The HTTP request that is being answered, for code that needs a header or the peer's address."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from starlette.types import Scope

from service_server_fastapi.requests.fast_path import ReceivedRequest
from service_server_fastapi.requests.peer import PEER, PeerCredentials

if TYPE_CHECKING:  # imported where it is used: with it a server takes longer to start
    from starlette.requests import Request

_request: ContextVar[Scope | ReceivedRequest | None] = ContextVar("service_request", default=None)


class RequestContext:
    """Returns the current request, in async methods and in worker threads alike.

    Its body has been read: it is the call that is being executed.
    """

    @staticmethod
    def get_request() -> Request:
        """The request that is being answered. Raises LookupError outside a request."""
        from starlette.requests import Request

        return Request(_current_scope())

    @staticmethod
    def get_peer() -> PeerCredentials | None:
        """The process that sent the request over a Unix domain socket; None over TCP, outside of Linux, and under
        another ASGI server. Works inside a token verifier, too. Raises LookupError outside a request.
        """
        peer: PeerCredentials | None = _current_scope().get("extensions", {}).get(PEER)
        return peer

    @staticmethod
    def is_active() -> bool:
        """Whether a request is being answered."""
        return _request.get() is not None

    enter: Final = staticmethod(_request.set)
    """Make a request, or that of an ASGI scope, the current one, until :attr:`leave` is called with the token."""
    leave: Final = staticmethod(_request.reset)
    """Restore the request that was current before."""


def _current_scope() -> Scope:
    request = _request.get()
    if request is None:
        raise LookupError("there is no HTTP request: this code was not called through the server")
    return request.scope if isinstance(request, ReceivedRequest) else request
