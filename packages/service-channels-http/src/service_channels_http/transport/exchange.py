"""A call over HTTP without its transport: the request to send, and the outcome in the reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import unreadable
from service_core import Call, Deadline, ServiceCommunicationException
from service_core.resilience import Raised
from service_core.wire import ITEM_TIMEOUTS_MS, item_timeouts_ms


@dataclass(slots=True)  # created for every call, so not frozen: that would take more than twice as long
class Exchange(ABC):
    """One call, its arguments already encoded; used by one thread or task."""

    call: Call
    """The call, with its deadline."""
    caller: str
    """Method and component, for messages."""
    gateway_503_not_run: bool
    """Whether a 503 of another server means that the call has not run."""

    @abstractmethod
    def request(self, url: str) -> HTTPRequest:
        """The request to the instance with that address."""

    @abstractmethod
    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        """The result in the reply, or the error in it as :class:`Raised`.

        Raises ServiceCommunicationException if the call may be sent to another instance.
        """


class ItemReader(Protocol):
    """Reads the items of one answer that is a stream. Used by one thread or task."""

    failure: Exception | None
    """The error that the server has sent."""

    @property
    def is_over(self) -> bool:
        """Whether no items follow those that were taken, as far as is known."""
        ...

    def feed(self, part: bytes) -> None:
        """Take a part of the body. Raises MalformedData."""
        ...

    def end(self) -> None:
        """The body has ended. Raises MalformedData if the stream has not."""
        ...

    def next_items(self) -> list[Any] | None:
        """Items that have come, empty at the end; None if more bytes are needed. Raises what the server has sent."""
        ...


@dataclass(slots=True)
class StreamExchange(Exchange):
    """As :class:`Exchange`, where the result or an argument may be a stream."""

    def stream_headers(self) -> dict[str, str]:
        """The headers of requests that have a stream, over all channels."""
        policy = self.call.policy
        return {ITEM_TIMEOUTS_MS: item_timeouts_ms(policy.timeout, policy.idle_timeout)}

    def failure(self, request: HTTPRequest, reply: HTTPReply) -> Raised:
        """The error in a reply that is not a success. Raises ServiceCommunicationException."""
        if reply.status < 400:
            raise unreadable(
                request, reply, f"answered with HTTP {reply.status}, which is neither a result nor an error"
            )
        error = self.error(request, reply)
        if isinstance(error, ServiceCommunicationException):
            raise error
        return Raised(error)

    @abstractmethod
    def error(self, request: HTTPRequest, reply: HTTPReply) -> Exception:
        """The error that a reply with a status from 400 on describes."""

    @abstractmethod
    def stream_request(self, url: str, deadline: Deadline, *, has_input: bool) -> HTTPRequest:
        """What to send; with ``has_input`` its body is made of the parts below."""

    @abstractmethod
    def first_part(self) -> bytes:
        """What comes before the items, if anything."""

    @abstractmethod
    def write_items(self, items: list[Any]) -> bytes:
        """Items of the argument that is a stream. Raises ArgumentException if one does not fit its type."""

    @abstractmethod
    def last_part(self) -> bytes:
        """What comes after the items, if anything."""

    @abstractmethod
    def reader(self, request: HTTPRequest, head: HTTPReply, max_bytes: int) -> ItemReader | None:
        """What reads the answer with that head, None if it is no stream; ``max_bytes`` limits an item of it."""
