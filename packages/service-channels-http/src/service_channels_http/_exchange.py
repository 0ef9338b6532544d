"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import CallContext, ServiceCommunicationException
from service_core.attempts import Attempts
from service_core.context import current_context, new_correlation_id

__all__ = ["Exchange", "Outcome", "context_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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

    @contextmanager
    def attempt(self) -> Iterator[HTTPRequest]:
        """The request for the next instance; the block sends it and completes.

        A failure to communicate ends the block without an error if the call may be tried again.
        """
        endpoint = self.attempts.begin()
        try:
            yield self.request(endpoint.url)
        except ServiceCommunicationException as error:
            self.attempts.failed(error)
        except BaseException:
            self.attempts.abandoned()
            raise
        else:
            self.attempts.answered()


def context_of(attempts: Attempts) -> CallContext:
    """What a call hands on to the server: its own deadline, and the rest of the context in which it is made."""
    outer = current_context()
    correlation_id = outer.correlation_id or new_correlation_id()
    return replace(outer, deadline=attempts.deadline, correlation_id=correlation_id)
