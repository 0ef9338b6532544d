"""A connection for sync calls: a socket that does not block, and waits that end with the deadline of the call."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Final, Self

from service_channels_http._engine.message import ResponseParser
from service_channels_http._engine.origin import Origin
from service_channels_http._engine.waits import Readable, wait_until_writable
from service_channels_http._errors import lost, not_sent, time_is_up
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_core import ServiceException

__all__ = ["Connection"]

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 24 * 3600.0


class Connection:
    """Used by one thread at a time, for one call after the other."""

    __slots__ = ("_parser", "_readable", "_socket", "idle_since")

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._readable = Readable(connected.fileno())
        self._parser = ResponseParser()
        self.idle_since = 0.0

    @classmethod
    def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> Self:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        end = min(request.deadline.expires_at, time.monotonic() + connect_timeout)
        try:
            return cls(_connect(origin, end))
        except TimeoutError as error:
            raise _too_late(request, error) from error
        except (OSError, UnicodeError) as error:  # the latter for a name that is none
            raise not_sent(request, "cannot connect", error) from error

    @property
    def is_reusable(self) -> bool:
        """Whether another call can use it."""
        return self._parser.reusable

    def is_fresh(self) -> bool:
        """Whether the other side has neither closed it nor said anything unasked."""
        return not self._readable.now()

    def close(self) -> None:
        """Close it at once."""
        self._socket.close()

    def exchange(self, request: HTTPRequest, head: bytes, max_bytes: int) -> HTTPReply:
        """Send a request and wait for its response. Raises ServiceCommunicationException, DeadlineExceeded."""
        parser = self._parser
        parser.expect(request, max_bytes)
        content = request.content
        if len(content) <= _CHUNK:
            self._send(request, head + content, nothing_sent=True)
        else:
            self._send(request, head, nothing_sent=True)
            self._send(request, content, nothing_sent=False)
        try:
            while not parser.complete:
                data = self._receive(request)
                if data:
                    parser.feed(data)
                else:
                    parser.end()
        except OSError as error:
            raise lost(request) from error
        return parser.reply()

    def _send(self, request: HTTPRequest, data: bytes, *, nothing_sent: bool) -> None:
        rest = memoryview(data)
        try:
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                    nothing_sent = False
                except (BlockingIOError, ssl.SSLWantWriteError):
                    self._wait_writable(request)
                except ssl.SSLWantReadError:
                    self._wait_readable(request)
        except OSError as error:
            if nothing_sent:
                raise not_sent(request, "the connection was lost before anything was sent", error) from error
            # The other side may have refused before it had read all, and its answer is still to come.
            self._parser.reusable = False

    def _receive(self, request: HTTPRequest) -> bytes:
        if not isinstance(self._socket, ssl.SSLSocket):
            self._wait_readable(request)
            return self._socket.recv(_CHUNK)
        while True:
            try:
                return self._socket.recv(_CHUNK)
            except ssl.SSLWantReadError:
                self._wait_readable(request)
            except ssl.SSLWantWriteError:
                self._wait_writable(request)

    def _wait_readable(self, request: HTTPRequest) -> None:
        seconds = request.deadline.expires_at - time.monotonic()
        if seconds <= 0 or not self._readable.wait(min(seconds, _LONGEST)):
            raise time_is_up(request.where)

    def _wait_writable(self, request: HTTPRequest) -> None:
        seconds = request.deadline.expires_at - time.monotonic()
        if seconds <= 0 or not wait_until_writable(self._socket.fileno(), min(seconds, _LONGEST)):
            raise time_is_up(request.where)


def _connect(origin: Origin, end: float) -> socket.socket:
    failure: OSError = OSError("the host name has no address")
    addresses = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connected = socket.socket(family, kind, protocol)
        try:
            # One address that does not answer must leave time for the others.
            connected.settimeout(_left(end) / (len(addresses) - number))
            connected.connect(address)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.tls is None:
                return connected
            connected.settimeout(_left(end))
            return origin.tls.wrap_socket(connected, server_hostname=origin.host)
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
    raise failure


def _left(end: float) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return min(seconds, _LONGEST)


def _too_late(request: HTTPRequest, error: Exception) -> ServiceException:
    if request.deadline.expired:
        return time_is_up(request.where)
    return not_sent(request, "no connection in time", error)
