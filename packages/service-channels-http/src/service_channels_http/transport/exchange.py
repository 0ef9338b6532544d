"""A call over HTTP without its transport: what to send for it, and what the reply means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import Call

__all__ = ["Exchange"]


@dataclass(slots=True)  # made for every call, so not frozen: that would take more than twice as long
class Exchange(ABC):
    """One call, its arguments already written; used by one thread or task."""

    call: Call
    """The call, with its deadline."""
    caller: str
    """What is called, for messages: method and component."""
    gateway_503_not_run: bool
    """Whether a 503 that is not ours means that nothing has run."""

    @abstractmethod
    def request(self, url: str) -> HTTPRequest:
        """What to send to the instance with that address."""

    @abstractmethod
    def complete(self, request: HTTPRequest, reply: HTTPReply) -> Any:
        """The result in the reply, or the error in it as :class:`Raised`.

        Raises ServiceCommunicationException if the call may be sent to another instance.
        """
