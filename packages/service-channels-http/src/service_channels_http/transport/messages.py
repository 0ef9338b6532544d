"""The messages between calls and transports: a request with address, headers and body; a reply with its status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from service_core import Deadline
from service_core.resilience import AnswerWait
from service_core.wire import with_deadline

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


# Created for every call: frozen classes and keyword-only arguments would take more than twice as long.
@dataclass(slots=True)
class HTTPRequest:
    """One attempt of one call."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """They may contain a token."""
    deadline: Deadline
    """The deadline of the call. The remaining time is sent in a header, computed when the request is sent."""
    caller: str
    """Method and component, for messages."""
    content: bytes = b""
    fixed: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    """Further headers, in an unchanging mapping that many requests share, so that it can be prepared once."""
    method: str = "POST"
    wait: AnswerWait | None = None
    """With what a sync call waits for the answer, None for the deadline alone."""

    def all_headers(self) -> dict[str, str]:
        """Both kinds of headers, and the remaining time."""
        return {**self.fixed, **with_deadline(self.headers, self.deadline)}

    @property
    def where(self) -> str:
        """Method and address, for messages; without user, password, query and fragment."""
        return f"{self.caller} at {_without_secrets(self.url)}"


@dataclass(slots=True)
class HTTPReply:
    """The reply to one request."""

    status: int
    headers: Mapping[str, str]
    """The keys are lower-case names."""
    content: bytes = b""


_USER: Final = re.compile(r"(?<=//)[^/?#]*@")


def _without_secrets(url: str) -> str:
    return _USER.sub("", url).partition("?")[0].partition("#")[0]
