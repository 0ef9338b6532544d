"""A request and its response in parts, in a thread."""

from __future__ import annotations

import contextlib
import math
import socket
import time
from collections.abc import Iterator
from typing import Final

from service_channels_http.transport.engine.connection_sync import connected_socket
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.errors import deadline_exceeded, lost, not_sent, pass_interruption
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import StreamedResponse, TooLate, chunk, last_chunk
from service_core import Deadline

__all__ = ["SyncStream"]

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 24 * 3600.0


class SyncStream:
    """One request on a connection of its own. Used by one thread."""

    def __init__(self, request: HTTPRequest, connected: socket.socket) -> None:
        self._request = request
        self._socket = connected
        self._kept = b""
        self.response = StreamedResponse(request)

    @classmethod
    def open(cls, origin: Origin, request: HTTPRequest, connect_timeout: float) -> SyncStream:
        """Connect. Raises ServiceCommunicationException, DeadlineExceeded; nothing was sent then."""
        end = min(request.deadline.expires_at, time.monotonic() + connect_timeout)
        try:
            return cls(request, connected_socket(origin, end))
        except TimeoutError as error:
            pass_interruption(error)
            if request.deadline.expired:
                raise deadline_exceeded(request, may_have_run=False) from error
            raise not_sent(request, "no connection in time", error) from error
        except (OSError, UnicodeError) as error:
            raise not_sent(request, "cannot connect", error) from error

    def send(self, head: bytes, parts: Iterator[bytes] | None, deadline: Deadline) -> None:
        """Send the request as a whole. Raises TooLate at the deadline, and what ``parts`` raise."""
        self._limit(deadline)
        try:
            self._socket.sendall(head + self._request.content)
        except TimeoutError as error:
            pass_interruption(error)
            raise TooLate from None
        except OSError as error:
            raise not_sent(self._request, "the connection was lost before anything was sent", error) from error
        if parts is None:
            return
        try:
            for part in parts:
                self._limit(deadline)
                if part:
                    self._send(chunk(part))
            self._send(last_chunk())
        except _Refused:
            return  # the response says why the server reads no further

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            pass_interruption(error)
            raise TooLate from None
        except OSError as error:
            pass_interruption(error)
            raise _Refused from error

    def read_head(self, deadline: Deadline) -> None:
        """Wait for status and headers. A part of the body that comes with them is kept for :meth:`read`."""
        while not self.response.status:
            self._kept = self._read(deadline)

    def read(self, deadline: Deadline) -> bytes | None:
        """The next part of the body, None at its end.

        Raises ServiceCommunicationException, ProtocolException, and TooLate at the deadline.
        """
        part, self._kept = self._kept, b""
        while not part:
            if self.response.is_complete:
                return None
            part = self._read(deadline)
        return part

    def _read(self, deadline: Deadline) -> bytes:
        self._limit(deadline)
        try:
            data = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            pass_interruption(error)
            raise TooLate from None
        except OSError as error:
            raise lost(self._request, error) from error
        if data:
            return self.response.feed(data)
        failure = self.response.end()
        if failure is not None:
            raise failure
        return b""

    def _limit(self, deadline: Deadline) -> None:
        left = deadline.remaining
        if left <= 0:
            raise TooLate
        self._socket.settimeout(None if math.isinf(left) else min(left, _LONGEST))

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class _Refused(Exception):
    """The server takes no more of the request."""
