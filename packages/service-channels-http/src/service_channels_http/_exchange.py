"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import CallContext, ServiceCommunicationException
from service_core.attempts import Attempts
from service_core.context import current_context

__all__ = ["Exchange", "Outcome", "context_of"]


@dataclass(slots=True, kw_only=True)  # made for every call, so not frozen: that would take more than twice as long
class Outcome:
    """How a call ended on the server."""

    result: Any = None
    error: Exception | None = None
    """What the caller gets instead of the result."""

    def unwrap(self) -> Any:
        """The result. Raises the error."""
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(slots=True, kw_only=True)
class Exchange(ABC):
    """One call, its arguments already written; used by one thread or task."""

    attempts: Attempts
    """Which instances are asked, and until when."""
    caller: str
    """What is called, for messages: method and component."""

    @abstractmethod
    def request(self, url: str) -> HTTPRequest:
        """What to send to the instance with that address."""

    @abstractmethod
    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Outcome:
        """What the reply means. Raises ServiceCommunicationException if another instance may know better."""

    def attempt(self) -> _Attempt:
        """A block for one attempt: it is given the request for the next instance, sends it and completes.

        A failure to communicate ends the block without an error if the call may be tried again.
        """
        return _Attempt(self)


class _Attempt:
    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> HTTPRequest:
        exchange = self._exchange
        endpoint = exchange.attempts.begin()
        try:
            return exchange.request(endpoint.url)
        except BaseException:
            exchange.attempts.abandoned()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        attempts = self._exchange.attempts
        if error is None:
            attempts.answered()
        elif isinstance(error, ServiceCommunicationException):
            attempts.failed(error)
            return True
        else:
            attempts.abandoned()
        return False


def context_of(attempts: Attempts) -> CallContext:
    """What a call hands on to the server: its own deadline, and the rest of the context in which it is made."""
    return current_context().of_call(attempts.deadline)
