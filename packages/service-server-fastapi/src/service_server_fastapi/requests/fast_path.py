"""What answers requests directly: past the layers of the application, and past ASGI where a request is here already."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from starlette.types import Receive, Scope, Send

from service_core import CallContext
from service_core.dispatch import Response, StreamSink


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

    @property
    @abstractmethod
    def client(self) -> tuple[str, int] | None:
        """Host and port of the other end of the connection, None for a Unix domain socket."""


class ResponseStream(StreamSink, Protocol):
    """A response that is written part by part."""

    def end(self, last: bytes) -> None:
        """Send the last part, and the end of the body."""
        ...


class Responding(Protocol):
    """The connection on which a request is answered."""

    def begin_stream(self, answer: Response) -> ResponseStream:
        """The response with the head of an answer whose body comes in parts; nothing is sent yet."""
        ...


class FastPath(Protocol):
    """An ASGI application that answers a request at once if it can."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may still be arriving."""
        ...

    async def answer(self, request: ReceivedRequest, connection: Responding) -> Response | None:
        """The answer to a request that has arrived, None if it has to go over ASGI. Only cancellation is raised.

        The protocol cancels it when the caller disconnects. An answer that has a stream has been written to
        ``connection``, to its end.
        """
        ...
