"""A connection for sync calls: a socket that does not block, and waits that end with the deadline of the call."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

from service_channels_http.transport.engine.connecting import connect
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.polling import poll_for
from service_channels_http.transport.engine.reader import ResponseParser
from service_channels_http.transport.errors import deadline_exceeded, lost, not_sent, pass_interruption
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_core import ServiceException
from service_core.process import keep_from_children

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 24 * 3600.0
_LONGEST_MS: Final = 24 * 3600 * 1000
_PAUSE: Final = 0.1
"""Seconds after a deadline from which on this process was suspended or blocked: waits end within milliseconds."""


class SyncConnection:
    """Used by one thread at a time, for one call after the other."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._poll = poll_for(connected.fileno(), reading=True)
        self.parser = ResponseParser()
        self.idle_since = 0.0

    @classmethod
    def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> SyncConnection:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        end = min(request.deadline.expires_at, time.monotonic() + connect_timeout)
        try:
            return (cls if origin.tls is None else _EncryptedConnection)(connected_socket(origin, end))
        except TimeoutError as error:
            raise _too_late(request, error) from error
        except (OSError, UnicodeError) as error:  # the latter for a name that is none
            raise not_sent(request, "cannot connect", error) from error

    def is_fresh(self) -> bool:
        """Whether the other side has neither closed it nor said anything unasked."""
        return not self._poll(0)

    def close(self) -> None:
        """Close it at once."""
        self._socket.close()

    def lease(self) -> socket.socket:
        """The socket, for another user until :meth:`take_back`, who may set its timeout."""
        return self._socket

    def take_back(self) -> bool:
        """Use the socket again; false if it holds bytes that have not been read."""
        self._socket.setblocking(False)
        return not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending())

    def exchange(self, request: HTTPRequest, head: bytes, max_bytes: int) -> HTTPReply:
        """Send a request and wait for its response. Raises ServiceCommunicationException, DeadlineExceeded."""
        parser = self.parser
        parser.expect(request, max_bytes)
        content = request.content
        first = head + content if len(content) <= _CHUNK else head
        try:
            sent = self._socket.send(first)
        except OSError as error:
            sent = self._send_after(error, request, first)
        if sent < len(head) + len(content):
            reply = self._send_more(request, memoryview(first)[sent:])
            if reply is None and first is head:
                reply = self._send_more(request, memoryview(content))
            if reply is not None:
                return reply
        try:
            while True:
                data = self._receive(request)
                reply = parser.feed(data) if data else parser.end()
                if reply is not None:
                    return reply
        except OSError as error:
            raise lost(request, error) from error

    def _send_after(self, error: OSError, request: HTTPRequest, first: bytes) -> int:
        """Send the first of a request after a wait, if that is all that was wrong; how many bytes have gone."""
        while isinstance(error, BlockingIOError | ssl.SSLWantWriteError | ssl.SSLWantReadError):
            self._wait(request, error)
            try:
                return self._socket.send(first)
            except OSError as another:
                error = another
        raise not_sent(request, "the connection was lost before anything was sent", error) from error

    def _send_more(self, request: HTTPRequest, rest: memoryview) -> HTTPReply | None:
        """Send the rest of a request; the reply if one comes before that, as a refusal of a large body does."""
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError) as wait:
                reply = self._reply_while_sending(request, wait)
                if reply is not None:
                    self.parser.reusable = False  # the other side waits for the rest of the request
                    return reply
            except OSError as error:
                pass_interruption(error)
                # The other side may have refused before it had read all, and its answer is still to come.
                self.parser.reusable = False
                return None
        return None

    def _reply_while_sending(self, request: HTTPRequest, why: OSError) -> HTTPReply | None:
        """Wait until the socket takes more or has data; the reply if that completes it."""
        if isinstance(why, ssl.SSLWantReadError):
            self._wait(request, why)
        else:
            self._wait_for(request, poll_for(self._socket.fileno(), reading=True, writing=True))
        try:
            data = self._socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as error:
            raise lost(request, error) from error
        return self.parser.feed(data) if data else self.parser.end()

    def _receive(self, request: HTTPRequest) -> bytes:
        left = request.deadline.expires_at - time.monotonic()
        if not (self._answer_comes(request, left) if left > 0.0 else self._received_during_pause(left)):
            raise deadline_exceeded(request, may_have_run=True)
        return self._socket.recv(_CHUNK)

    def _answer_comes(self, request: HTTPRequest, left: float) -> object:
        if request.wait is not None:
            return request.wait.wait(self._poll, self._socket.fileno(), left)
        # Rounded up, else the last millisecond would be spent in a busy loop.
        return self._poll(int(left * 1000.0) + 1 if left < _LONGEST else _LONGEST_MS)

    def _received_during_pause(self, left: float) -> bool:
        """Whether this process was suspended past the deadline and data has arrived, which is read at once.

        The answer's size is limited, so a server that goes on sending does not extend the call without end.
        """
        return left < -_PAUSE and bool(self._poll(0))

    def _wait(self, request: HTTPRequest, why: OSError) -> None:
        if not isinstance(why, ssl.SSLWantReadError):
            self._wait_for(request, poll_for(self._socket.fileno(), writing=True))
            return
        left = request.deadline.expires_at - time.monotonic()
        if left <= 0.0 or not self._answer_comes(request, left):
            raise deadline_exceeded(request, may_have_run=True)

    def _wait_for(self, request: HTTPRequest, poll: Callable[[int], object]) -> None:
        left = request.deadline.expires_at - time.monotonic()
        if left <= 0.0 or not poll(int(min(left, _LONGEST) * 1000.0) + 1):
            raise deadline_exceeded(request, may_have_run=True)


class _EncryptedConnection(SyncConnection):
    """What can be read is not always what the other side has sent last."""

    def _receive(self, request: HTTPRequest) -> bytes:
        while True:
            if request.deadline.expired:  # there may be so much to read that it never waits
                raise deadline_exceeded(request, may_have_run=True)
            try:
                return self._socket.recv(_CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wait:
                self._wait(request, wait)


def connected_socket(origin: Origin, end: float) -> socket.socket:
    """A socket that is connected by ``end``, a monotonic time, with TLS if the origin has it. Raises OSError."""
    connected = connect(origin, end)
    try:
        if origin.tls is None:
            return keep_from_children(connected)
        connected.settimeout(_left(end))
        return keep_from_children(origin.tls.wrap_socket(connected, server_hostname=origin.host))
    except BaseException:
        connected.close()
        raise


def _left(end: float) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return min(seconds, _LONGEST)


def _too_late(request: HTTPRequest, error: Exception) -> ServiceException:
    pass_interruption(error)
    if request.deadline.expired:
        return deadline_exceeded(request, may_have_run=False)
    return not_sent(request, "no connection in time", error)
