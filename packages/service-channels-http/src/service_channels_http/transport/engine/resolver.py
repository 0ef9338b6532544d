"""Name resolution: inside the deadline of a call, outside of the event loop, and kept for some seconds.

``getaddrinfo`` cannot be interrupted, so each lookup has a thread of its own: a daemon, which does not delay the end of
the program. Calls that need the same name at the same time share one lookup.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeAlias

Addresses: TypeAlias = list[tuple[Any, Any, int, str, Any]]
"""What ``socket.getaddrinfo`` returns."""

_KEPT: Final = 5.0
"""Seconds that an answer is used again."""
_MOST: Final = 1000
"""Names that are kept."""


class Resolver:
    """Finds the addresses of host names. Safe to use from several threads and event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[Addresses, float]] = {}
        self._lookups: dict[tuple[str, int], Future[Addresses]] = {}

    def resolve(self, host: str, port: int, end: float) -> Addresses:
        """The addresses of a host. Raises OSError, and TimeoutError if there is no answer by ``end``, a monotonic
        time."""
        found = self._find(host, port)
        return found if isinstance(found, list) else found.result(max(0.0, end - time.monotonic()))

    async def resolve_async(self, host: str, port: int) -> Addresses:
        """As :meth:`resolve`; the caller limits the time."""
        found = self._find(host, port)
        if isinstance(found, list):
            return found
        loop = asyncio.get_running_loop()
        known = asyncio.Event()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed, so no call waits any more
                loop.call_soon_threadsafe(known.set)

        found.add_done_callback(wake)
        await known.wait()
        return found.result()

    def forget(self, host: str, port: int) -> None:
        """Look the name up again at the next call: none of its addresses can be reached."""
        self._known.pop((host, port), None)

    def _find(self, host: str, port: int) -> Addresses | Future[Addresses]:
        if _is_numeric(host):
            flags = socket.AI_NUMERICHOST
            return interleaved(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))
        key = host, port
        with self._lock:
            addresses, until = self._known.get(key, ([], 0.0))
            if time.monotonic() < until:
                return addresses
            lookup = self._lookups.get(key)
            if lookup is None:
                lookup = self._lookups[key] = Future()
                name = f"service-lookup-{host}"
                threading.Thread(target=self._look_up, args=(key, lookup), name=name, daemon=True).start()
            return lookup

    def _look_up(self, key: tuple[str, int], lookup: Future[Addresses]) -> None:
        host, port = key
        try:
            addresses = interleaved(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - belongs to the calls that wait for the name
            with self._lock:
                self._lookups.pop(key, None)
            lookup.set_exception(error)
            return
        with self._lock:
            self._lookups.pop(key, None)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = addresses, time.monotonic() + _KEPT
        lookup.set_result(addresses)


def interleaved(addresses: Addresses) -> Addresses:
    """The addresses with their families in turn, beginning with that of the first (RFC 8305, section 4)."""
    if not addresses:
        return addresses
    first = [each for each in addresses if each[0] == addresses[0][0]]
    other = [each for each in addresses if each[0] != addresses[0][0]]
    mixed = [each for pair in zip(first, other, strict=False) for each in pair]
    shorter = min(len(first), len(other))
    return mixed + first[shorter:] + other[shorter:]


def _is_numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError, UnicodeError):
            continue
        return True
    return False


resolver: Final = Resolver()
"""The resolver of this process: names belong to the machine, not to a channel."""

if hasattr(os, "register_at_fork"):  # not on Windows
    # A child has neither the threads of the lookups nor, perhaps, a free lock.
    os.register_at_fork(after_in_child=resolver.__init__)  # type: ignore[misc]
