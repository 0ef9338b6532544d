"""What answers requests directly: past the layers of the application, and past ASGI where a request is here already."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from service_core import CallContext
from service_core.dispatch import Response
from service_core.wire import CONTEXT_HEADERS, context_from_headers

__all__ = ["FastPath", "ParsedRequest", "ReceivedRequest"]

_READ: Final = {name.encode(): name for name in ("content-type", *CONTEXT_HEADERS)}


class ReceivedRequest(ABC):
    """A request that is here as a whole, and what its head says of the call."""

    __slots__ = ("body", "content_type", "context")

    content_type: str
    context: CallContext
    """What the caller sent; there is a correlation id."""
    body: bytes

    @property
    @abstractmethod
    def scope(self) -> Scope:
        """The request in the terms of ASGI, the same object each time."""


class ParsedRequest(ReceivedRequest):
    """One whose scope is known."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope, body: bytes) -> None:
        headers = {_READ[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        self.content_type = headers.get("content-type", "")
        self.context = context_from_headers(headers)
        self.body = body
        self._scope = scope

    @property
    def scope(self) -> Scope:
        """The request in the terms of ASGI."""
        return self._scope


class FastPath(Protocol):
    """An ASGI application that answers a request at once if it can."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may still be arriving."""
        ...

    async def answer(self, request: ReceivedRequest) -> Response | None:
        """The answer to a request that has arrived, None if it has to go over ASGI. Only cancellation is raised.

        The protocol cancels it when the caller disconnects.
        """
        ...
