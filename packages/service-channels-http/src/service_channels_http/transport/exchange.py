"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeVar

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ServiceCommunicationException
from service_core.resilience.retrying import Attempts

__all__ = ["Exchange"]

E = TypeVar("E", bound=Exception)


@dataclass(slots=True)  # made for every call, so not frozen: that would take more than twice as long
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
    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        """The result that the reply tells.

        Raises ServiceCommunicationException if another instance may know better, and errors that are the answer as
        :meth:`answer` returns them.
        """

    def answer(self, error: E) -> E:
        """Note that the instance has answered with an error, which is to be raised and is the end of the call."""
        self.attempts.answered()
        return error

    def goes_on(self, error: BaseException) -> bool:
        """End an attempt that was ended by ``error``; whether the call may be tried again."""
        attempts = self.attempts
        if attempts.endpoint is None:
            return False  # there was none yet, or the error is the answer
        if not isinstance(error, ServiceCommunicationException):
            attempts.abandoned()
            return False
        attempts.failed(error)
        return True
