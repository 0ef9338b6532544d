"""Heads of responses that begin as one before them, on the same connection: they are not parsed a second time.

A server says the same in each of its answers: that it went well, the second it is, the format. What differs comes
last: the length of the body and the id of the call. Parsing takes as long as a third of all else that a client does
for a short call, so a connection remembers the beginning of the last head, and what the parser made of it.

That is sound since the same bytes mean the same to the parser, up to the end of a line; since no line that is
remembered concerns the body or the connection; and since the rest is accepted in one form only.
Everything else goes to the parser.
"""

from __future__ import annotations

import re
from typing import Final, Self

from service_channels_http.transport.messages import HTTPReply

_LINE: Final = rb"(?:date|server|content-type): [!-~](?:[ -~]*[!-~])?\r\n"
_REST: Final = rb"content-length: ([0-9]{1,9})\r\nx-correlation-id: ([!-~]+)\r\n\r\n"
_HEAD: Final = re.compile(rb"(HTTP/1\.1 200 [ -~]*\r\n(?:" + _LINE + rb")*)" + _REST)
_FOLLOWS: Final = re.compile(_REST + rb"(.*)", re.DOTALL)


class RepeatedHead:
    """The beginning of a head, with the results of the parser for that response."""

    __slots__ = ("_beginning", "_headers", "_length")

    def __init__(self, beginning: bytes, headers: dict[str, str]) -> None:
        self._beginning = beginning
        self._length = len(beginning)
        self._headers = headers

    @classmethod
    def of(cls, data: bytes, reply: HTTPReply) -> Self | None:
        """What can be remembered of a response which is all of ``data``, and of which the parser made ``reply``."""
        head = _HEAD.match(data)
        if head is None or data[head.end() :] != reply.content:
            return None
        return cls(head[1], dict(reply.headers))

    def read(self, data: bytes) -> HTTPReply | None:
        """The response if it begins so and is all of ``data``, else None."""
        if not data.startswith(self._beginning):
            return None
        rest = _FOLLOWS.match(data, self._length)
        if rest is None:
            return None
        length, correlation_id, content = rest.groups()
        if len(content) != int(length):
            return None
        own = {"content-length": length.decode(), "x-correlation-id": correlation_id.decode()}
        return HTTPReply(200, {**self._headers, **own}, content)
