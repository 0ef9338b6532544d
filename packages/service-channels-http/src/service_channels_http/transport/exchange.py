"""A call over HTTP without its transport: the request to send, and the outcome in the reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import Call

__all__ = ["Exchange"]


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
