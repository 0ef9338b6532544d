"""A request and its response in parts, in a thread."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator
from typing import Final

from service_channels_http.transport.engine.connection_sync import SyncConnection
from service_channels_http.transport.engine.pool import LeasedConnection
from service_channels_http.transport.errors import lost, not_sent, pass_interruption
from service_channels_http.transport.messages import HTTPRequest
from service_channels_http.transport.streams.response import (
    FINISH,
    NotTaken,
    StreamedResponse,
    TooLate,
    chunk,
    last_chunk,
)
from service_core import Deadline, ServiceException

_CHUNK: Final = 256 * 1024
_LONGEST: Final = 24 * 3600.0


class SyncStream:
    """One request on a connection of the pool. Used by one thread."""

    def __init__(self, request: HTTPRequest, leased: LeasedConnection[SyncConnection]) -> None:
        self._request = request
        self._leased = leased
        self._socket = leased.connection.lease()
        self._is_sent = False
        self._is_closed = False
        self.response = StreamedResponse(request, leased.connection.parser)

    def send(self, parts: Iterator[bytes] | None, deadline: Deadline, pause: float | None = None) -> None:
        """Send the request as a whole.

        Raises TooLate at the deadline, NotTaken if the server takes nothing of ``parts`` for ``pause`` seconds, and
        what they raise.
        """
        self._limit(deadline)
        try:
            self._socket.sendall(self._leased.head + self._request.content)
        except TimeoutError as error:
            pass_interruption(error)
            raise TooLate from None
        except OSError as error:
            raise not_sent(self._request, "the connection was lost before anything was sent", error) from error
        if parts is None:
            self._is_sent = True
            return
        with contextlib.suppress(_Refused):  # the response says why the server reads no further
            for part in parts:
                if part:
                    self._send(chunk(part), deadline, pause)
            self._send(last_chunk(), deadline, pause)
            self._is_sent = True

    def _send(self, data: bytes, deadline: Deadline, pause: float | None) -> None:
        rest = memoryview(data)
        try:
            while rest:
                self._limit(Deadline.after(pause) if pause is not None and pause < deadline.remaining else deadline)
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            pass_interruption(error)
            if deadline.expired:
                raise TooLate from None
            raise NotTaken from None
        except OSError as error:
            pass_interruption(error)
            raise _Refused from error

    def read_head(self, deadline: Deadline) -> bytes:
        """Wait for status and headers; the part of the body that came with them. Raises what :meth:`read` raises."""
        part = b""
        while not self.response.status:
            part = self._read(deadline)
        return part

    def read(self, deadline: Deadline) -> bytes | None:
        """The next part of the body, None at its end.

        Raises ServiceCommunicationException, ProtocolException, and TooLate at the deadline.
        """
        while not self.response.is_complete:
            part = self._read(deadline)
            if part:
                return part
        return None

    def finish(self) -> None:
        """Wait a moment for the end of a response of which all has been read, so that its connection can be kept."""
        if not self.response.is_complete:
            with contextlib.suppress(TooLate, ServiceException):
                self.read(Deadline.after(FINISH))

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
        """Keep the connection for the next call if all of request and response went over it, else close it."""
        if self._is_closed:
            return
        self._is_closed = True
        is_clean = self._is_sent and self.response.is_complete and not self.response.is_last
        if is_clean and self._leased.connection.take_back():
            self._leased.put_back()
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._leased.connection.close()


class _Refused(Exception):
    """The server takes no more of the request."""
