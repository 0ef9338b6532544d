"""Connections that wait for their next call."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Generic, Protocol, TypeVar


class IdleConnection(Protocol):
    """What both kinds of connections have."""

    idle_since: float
    """``time.monotonic()`` at the end of the last call."""

    def is_fresh(self) -> bool:
        """Whether the other side has neither closed it nor said anything unasked."""
        ...

    def close(self) -> None:
        """Close it at once."""
        ...


C = TypeVar("C", bound=IdleConnection)


class IdleConnections(Generic[C]):
    """The idle connections to one origin. Safe to use from several threads.

    The one that was used last is used first, so that those that are not needed grow old and are closed.
    """

    __slots__ = ("_connections", "_expiry", "_is_closed", "_limit")

    def __init__(self, *, limit: int | None, expiry: float | None) -> None:
        """At most ``limit`` connections are kept, each ``expiry`` seconds; None for no limit."""
        self._connections: deque[C] = deque()  # its methods are atomic
        self._limit = math.inf if limit is None else limit
        self._expiry = math.inf if expiry is None else expiry
        self._is_closed = False

    def take(self) -> C | None:
        """A connection that can be used, None if there is none."""
        while True:
            try:
                connection = self._connections.pop()
            except IndexError:
                return None
            if time.monotonic() - connection.idle_since < self._expiry and connection.is_fresh():
                return connection
            connection.close()

    def put(self, connection: C) -> None:
        """Keep a connection for the next call, and close the oldest if there are too many or it is too old."""
        connection.idle_since = now = time.monotonic()
        self._connections.append(connection)
        if self._is_closed:
            self.close()
        elif len(self._connections) > 1:
            self._close_old(now)

    def close(self) -> None:
        """Close all of them, and those that are put here from now on."""
        self._is_closed = True
        while self._connections:
            try:
                self._connections.pop().close()
            except IndexError:  # another thread was quicker
                return

    def close_unusable(self) -> None:
        """Close those that are too old or not fresh, as those to an instance that has gone."""
        now = time.monotonic()
        for _ in range(len(self._connections)):
            try:  # one at a time, removed from the list: two threads must not poll the same one
                connection = self._connections.popleft()
            except IndexError:
                return
            if now - connection.idle_since < self._expiry and connection.is_fresh():
                self._connections.append(connection)
            else:
                connection.close()
        if self._is_closed:
            self.close()

    def is_empty(self) -> bool:
        """Whether there is none left."""
        return not self._connections

    def _close_old(self, now: float) -> None:
        while self._connections:
            try:
                oldest = self._connections.popleft()
            except IndexError:
                return
            if len(self._connections) < self._limit and now - oldest.idle_since < self._expiry:
                self._connections.appendleft(oldest)
                if self._is_closed:  # by another thread, which did not see this one
                    self.close()
                return
            oldest.close()
