"""The states of a connection of the server, their deadlines, and its end.

A connection is in one of six states. Each has a deadline of its own, which closes the connection when it passes::

      +-------------------------------- next request ---------------------------------+
      v                                                                                |
    IDLE -------> HEAD -------> BODY -------> WORK -------> DRAIN (if the client reads slowly)
    keep_alive    receive_      receive_      that of       receive_timeout
                  timeout       timeout       the call      without a byte taken

    any ---> CLOSING: sends the rest, for receive_timeout without a byte taken, and drops what arrives

A new connection is IDLE for ``receive_timeout``. In WORK the deadline of the state before may pass, without effect. In
BODY the deadline counts from the last part, and only while the application waits for one. Requests that arrive during
WORK wait for their turn, and their time begins then. Bytes that break a rule of the reader are answered if that answer
cannot be taken for another request's, else the connection is closed.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Final

from service_core.dispatch import Response
from service_server_fastapi.access.rejections import CLOSE, named
from service_server_fastapi.http1.asgi import AsgiExchange
from service_server_fastapi.http1.incoming import Incoming
from service_server_fastapi.http1.outgoing import Outgoing, StreamedAnswer
from service_server_fastapi.http1.response import ResponseHeads
from service_server_fastapi.http1.timeouts import STREAM_PAUSE, Timeout
from service_server_fastapi.requests.bypass import Bypass
from service_server_fastapi.settings import ServerSettings

_GRACE: Final = 1.0
"""Seconds more than ``receive_timeout`` for a body, in which an application can answer 408 itself."""
_LINGER: Final = 2.0
"""Seconds for which a connection is read after an answer that came before the end of its request."""
_LINGER_BYTES: Final = 16 * 1024 * 1024
"""The most that is read of it then."""


class State(Enum):
    """What a connection is doing."""

    IDLE = "between requests"
    HEAD = "reading a head"
    BODY = "reading a body"
    WORK = "answering"
    DRAIN = "waiting for the client to read an answer"
    CLOSING = "sending what is left"


class StatefulConnection(asyncio.Protocol):
    """What holds for a connection with any requests. Used on one event loop."""

    _transport: asyncio.Transport
    _in: Incoming
    _out: Outgoing

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: ServerSettings, bypass: Bypass | None) -> None:
        self._loop = loop
        self._settings = settings
        self._bypass = bypass
        self.state = State.IDLE
        self._heads = ResponseHeads()
        self._exchange: AsgiExchange | None = None
        """What runs an application for the current request."""
        self._deadline = Timeout(loop, self._too_slow)
        self._streamed: StreamedAnswer | None = None
        """The response of the current request if its body comes in parts."""
        self._dropped = 0
        self._is_last = False
        """Whether the connection ends after the current request."""

    # what the transport and uvicorn call

    def eof_received(self) -> None:
        """The client sends nothing more: it has disconnected."""
        self._in.lose()  # now, not some turns of the event loop later, so that what waits for a body gives its place up
        self._transport.close()

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        self._out.pause()

    def shutdown(self) -> None:
        """Close the connection now, or after the answer that is under way. uvicorn calls it when it stops."""
        self._is_last = True
        if self._in.current is None or self.state is State.CLOSING:
            self._close()
            self._transport.close()

    # what answers the current request calls

    def begin_stream(self, answer: Response) -> StreamedAnswer:
        """The response to the current request, whose body comes in parts; nothing is sent yet."""
        bypass, request = self._bypass, self._in.current
        if bypass is None or request is None:
            raise AssertionError("there is no request to answer")
        closes = self._is_last or not request.keep_alive or bypass.in_flight.is_stopping()
        streamed = StreamedAnswer(self._out, self._heads, answer, closes=closes, version=request.version)
        self._streamed = streamed
        return streamed

    # what an exchange over ASGI calls

    def want_body(self, *, waits: bool) -> None:
        """The application reads the body."""
        if waits and self.state is State.BODY:
            streams = self._exchange is not None and self._exchange.is_stream
            if streams:
                self._out.begin_stream()
            self._deadline.set(STREAM_PAUSE if streams else self._settings.receive_timeout + _GRACE)
        self._in.resume()

    def fail(self) -> None:
        """The response of the application cannot be completed."""
        self._close()

    # states

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the connection, by the name that uvicorn's own protocols give it."""
        return self._transport

    def _drop(self, size: int) -> None:
        """Count what a connection that ends still receives, up to a limit."""
        self._dropped += size
        if self._dropped > _LINGER_BYTES:
            self._out.close()

    def _enter(self, state: State, seconds: float | None = None) -> None:
        self.state = state
        if seconds is None:
            self._deadline.clear()
        else:
            self._deadline.set(seconds)

    def _too_slow(self) -> None:
        """The deadline of the state has passed."""
        if self.state is State.WORK:
            return
        if self.state is State.CLOSING:
            self._out.close()
        elif self.state is State.HEAD:
            self._reject(408, f"the head of the request did not arrive within {named('receive_timeout')}")
        elif self.state is State.BODY:
            self._reject(408, f"the body of the request did not arrive within {named('receive_timeout')}")
        else:
            self._close()

    def _reject(self, status: int, reason: str) -> None:
        """Refuse bytes, with an answer if that can only be meant for what was sent last."""
        can_answer = self._in.current is None or (self._exchange is not None and not self._exchange.response.has_begun)
        if can_answer and self._in.is_about_current():
            self._refuse(status, reason)
        else:
            self._close()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer without having carried out anything, and close."""
        if self._bypass is not None:
            self._bypass.in_flight.log.write(status, reason)
        answer = Response(
            status=status, content_type="text/plain; charset=utf-8", body=reason.encode(), headers=(CLOSE,)
        )
        self._out.write(self._heads.head_of(answer, closes=False), answer.body)
        self._close()

    def _close(self, *, lingers: bool = False) -> None:
        """Send what is left and close. What the client does not take in time is dropped.

        A connection that ``lingers`` drops what the client still sends, for a time and up to a size: if it were closed
        with bytes that have not been read, the system would reset it, and the answer could be lost (RFC 9112, 9.6).
        """
        if self.state is State.CLOSING:
            return
        self._enter(State.CLOSING)
        self._in.lose()
        if lingers and self._transport.can_write_eof():
            self._in.resume()
            self._transport.write_eof()
            self._deadline.set(_LINGER)
        else:
            self._out.close()
