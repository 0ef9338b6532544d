"""The narrow place between calls and transport: one request goes in; status, headers and bytes come out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from service_core import Deadline
from service_core.wire import with_deadline

__all__ = ["NO_HEADERS", "HTTPReply", "HTTPRequest"]


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


# They are made for every call. To freeze them would take more than twice as long, and so would to ask for keywords.
@dataclass(slots=True)
class HTTPRequest:
    """One attempt of one call."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """There may be a token among them."""
    deadline: Deadline
    """When nobody waits for the reply any more. The server is told how much is left when the request is sent."""
    caller: str
    """What is called, for messages: method and component."""
    content: bytes = b""
    fixed: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    """More headers, in a mapping that many requests share and nobody changes, so that it can be prepared once."""
    method: str = "POST"

    def all_headers(self) -> dict[str, str]:
        """Both kinds of headers, and what is left of the time."""
        return {**self.fixed, **with_deadline(self.headers, self.deadline)}

    @property
    def where(self) -> str:
        """What is called at which address, for messages; without user, password, query and fragment."""
        return f"{self.caller} at {_without_secrets(self.url)}"


@dataclass(slots=True)
class HTTPReply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Found by lower-case names."""
    content: bytes = b""


_USER: Final = re.compile(r"(?<=//)[^/?#]*@")


def _without_secrets(url: str) -> str:
    return _USER.sub("", url).partition("?")[0].partition("#")[0]
