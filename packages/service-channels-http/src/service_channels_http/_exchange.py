"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import ServiceCommunicationException
from service_core.attempts import Attempts

__all__ = ["Exchange", "Outcome"]


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

    def __enter__(self) -> HTTPRequest:
        """Begin an attempt: the request for the next instance, which the block sends and completes.

        A failure to communicate ends the block without an error if the call may be tried again.
        """
        endpoint = self.attempts.begin()
        try:
            return self.request(endpoint.url)
        except BaseException:
            self.attempts.abandoned()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is None:
            self.attempts.answered()
        elif isinstance(error, ServiceCommunicationException):
            self.attempts.failed(error)
            return True
        else:
            self.attempts.abandoned()
        return False
