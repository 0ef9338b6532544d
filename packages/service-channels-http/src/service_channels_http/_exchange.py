"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeVar

from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import ServiceCommunicationException
from service_core.attempts import Attempts

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
        attempts = self.attempts
        if error is None:
            attempts.answered()
        elif attempts.endpoint is None:
            pass  # the error is the answer
        elif isinstance(error, ServiceCommunicationException):
            attempts.failed(error)
            return True
        else:
            attempts.abandoned()
        return False
