"""Connecting to an origin.

Of several addresses of a host each has a head start over the next (RFC 8305, "Happy Eyeballs"). A Unix domain socket
whose server has many connections to accept refuses to queue another one; it is tried again until there is room.
"""

from __future__ import annotations

import asyncio
import errno
import os
import selectors
import socket
import time
from contextlib import suppress
from typing import Final

from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.resolver import Addresses, resolver
from service_core.process import keep_from_children

_HEAD_START: Final = 0.25
"""Seconds after which the next address is tried as well (RFC 8305, section 5)."""
_UNIX: Final = getattr(socket, "AF_UNIX", None)
_PAUSE: Final = 0.005
"""Seconds between two attempts to connect to a Unix domain socket without room."""
_PENDING: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})


def connect(origin: Origin, end: float) -> socket.socket:
    """A connected socket that does not block, without TLS. Raises OSError, and TimeoutError at ``end``, a monotonic
    time."""
    if origin.uds:
        return _connect_unix(origin.uds, end)
    addresses = resolver.resolve(origin.host, origin.port, end)
    try:
        connected = _connect_first(addresses, end)
    except OSError:
        resolver.forget(origin.host, origin.port)
        raise
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


async def addresses_of(origin: Origin) -> Addresses:
    """The addresses of an origin, for :func:`connect_async`; the caller limits the time. Raises OSError."""
    if origin.uds:
        return [(_UNIX, socket.SOCK_STREAM, 0, "", origin.uds)]
    return await resolver.resolve_async(origin.host, origin.port)


def _connect_unix(path: str, end: float) -> socket.socket:
    while (connected := _try_unix(path)) is None:
        if time.monotonic() >= end:
            raise TimeoutError(f"the server at {path!r} did not accept a connection in time")
        time.sleep(_PAUSE)
    return connected


def _try_unix(path: str) -> socket.socket | None:
    """A connected socket, None if the server has no room for it now. Raises OSError."""
    if _UNIX is None:
        raise OSError("this system has no Unix domain sockets")
    connecting = socket.socket(_UNIX, socket.SOCK_STREAM)
    connecting.setblocking(False)
    code = connecting.connect_ex(path)  # connects at once, or not at all
    if not code:
        return connecting
    connecting.close()
    if code == errno.EAGAIN:
        return None
    raise OSError(code, os.strerror(code), path)


def _connect_first(addresses: Addresses, end: float) -> socket.socket:
    race = _Race(addresses)
    try:
        while True:
            now = time.monotonic()
            if now >= end:
                raise TimeoutError("no address accepted a connection in time")
            winner = race.step(now, end)
            if winner is not None:
                return winner
    finally:
        race.close()


class _Race:
    """Sockets that connect at the same time."""

    def __init__(self, addresses: Addresses) -> None:
        self._waiting = list(addresses)
        self._selector = selectors.DefaultSelector()
        self._next_start = 0.0
        self._failure: OSError = OSError("the host name has no address")

    def step(self, now: float, end: float) -> socket.socket | None:
        """Start what is due and wait for the next event; the socket that is connected, if there is one."""
        running = self._selector.get_map()
        if self._waiting and (now >= self._next_start or not running):
            self._start(now)
        if not running:
            if self._waiting:
                return None
            raise self._failure
        until = min(end, self._next_start) if self._waiting else end
        for key, _ in self._selector.select(max(0.0, until - now)):
            connecting = key.fileobj
            assert isinstance(connecting, socket.socket)  # noqa: S101 - for type checkers
            self._selector.unregister(connecting)
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not code:
                return connecting
            connecting.close()
            self._failure = OSError(code, os.strerror(code))
            self._next_start = 0.0  # the next one need not wait
        return None

    def _start(self, now: float) -> None:
        family, kind, protocol, _, address = self._waiting.pop(0)
        self._next_start = now + _HEAD_START
        try:
            connecting = socket.socket(family, kind, protocol)
        except OSError as error:  # IPv6, say, where the kernel has none
            self._failure, self._next_start = error, 0.0
            return
        connecting.setblocking(False)
        code = connecting.connect_ex(address)
        if code and code not in _PENDING:
            connecting.close()
            self._failure, self._next_start = OSError(code, os.strerror(code)), 0.0
            return
        self._selector.register(connecting, selectors.EVENT_WRITE)

    def close(self) -> None:
        """Close all sockets but the one that was returned."""
        for key in list(self._selector.get_map().values()):
            with suppress(OSError):
                key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


async def connect_async(addresses: Addresses) -> socket.socket:
    """As :func:`connect`, on the running event loop; the caller limits the time.

    It is awaited where the time is limited, and not by a coroutine in between: CPython 3.11 crashes if a pending chain
    that is one longer is collected after its loop was closed.
    """
    loop = asyncio.get_running_loop()
    if len(addresses) == 1:
        return await _connect_one(loop, addresses[0])
    waiting, running = list(addresses), set[asyncio.Task[socket.socket]]()
    failure: OSError = OSError("the host name has no address")
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(_connect_one(loop, waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=_HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if error is None:
                    running |= done - {task}
                    return task.result()
                if not isinstance(error, OSError):
                    raise error
                failure = error
        raise failure
    finally:
        for task in running:
            task.add_done_callback(_close_late)
            task.cancel()


async def _connect_one(
    loop: asyncio.AbstractEventLoop, target: tuple[object, object, int, str, object]
) -> socket.socket:
    family, kind, protocol, _, address = target
    if family == _UNIX:
        while (connected := _try_unix(str(address))) is None:  # noqa: ASYNC110 - the system does not report room
            await asyncio.sleep(_PAUSE)
        return keep_from_children(connected)
    connecting = socket.socket(family, kind, protocol)  # type: ignore[arg-type]
    try:
        connecting.setblocking(False)
        await loop.sock_connect(connecting, address)  # type: ignore[arg-type]
    except BaseException:
        connecting.close()
        raise
    return keep_from_children(connecting)


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """Close a connection that was made after another one had been taken."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
