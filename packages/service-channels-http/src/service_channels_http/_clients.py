"""Who owns httpx clients: a channel has one sync client per process and one async client per event loop.

A sync client is safe to share between threads. After a fork the child makes one of its own: the connections of the
inherited one are the parent's. An async client belongs to the loop on which it was first used, and ends with it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from service_channels_http._limits import watch, watch_async
from service_core import LocalServiceException

__all__ = ["ClientOfLoop", "ClientOfProcess"]


class _Slot:
    __slots__ = ("client", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.client: httpx.Client | None = None


class ClientOfProcess:
    """The sync client of a channel. Safe to use from several threads and after a fork."""

    def __init__(self) -> None:
        # By process id. A child keeps the slots of its parents but never touches them, since their locks may be held
        # and closing would need one.
        self._slots: dict[int, _Slot] = {}
        self._closed = False

    def get(self, make: Callable[[], httpx.Client]) -> httpx.Client:
        """The client, made when first asked for. Raises LocalServiceException if closed."""
        slot = self._slot()
        client = slot.client
        if client is None:
            with slot.lock:
                _check_open(self._closed)
                client = slot.client
                if client is None:
                    client = make()
                    _check_type(client, httpx.Client, make)
                    watch(client)
                    slot.client = client
        return client

    def close(self) -> None:
        """Close the client and make no other."""
        slot = self._slot()
        with slot.lock:
            self._closed = True
            client, slot.client = slot.client, None
        if client is not None:
            client.close()

    def _slot(self) -> _Slot:
        process = os.getpid()
        return self._slots.get(process) or self._slots.setdefault(process, _Slot())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lifetime:
    client: httpx.AsyncClient
    end: AsyncGenerator[None, None]
    """Closing this generator closes the client."""


class ClientOfLoop:
    """The async client of a channel. Safe to use from several threads, each with its loop."""

    def __init__(self) -> None:
        self._lifetimes: dict[AbstractEventLoop, _Lifetime] = {}
        self._closed = False

    def get(self, make: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        """The client of the running loop, made when first asked for. Raises LocalServiceException if closed."""
        loop = asyncio.get_running_loop()
        lifetime = self._lifetimes.get(loop)
        if lifetime is None:
            _check_open(self._closed)
            self._forget_closed_loops()
            client = make()
            _check_type(client, httpx.AsyncClient, make)
            watch_async(client)
            lifetime = _Lifetime(client=client, end=self._until_the_end(loop, client))
            with suppress(StopIteration):  # it comes to its yield without waiting
                anext(lifetime.end).send(None)
            self._lifetimes[loop] = lifetime
        return lifetime.client

    def close(self) -> None:
        """Make no other client. Those of running loops end with their loop."""
        self._closed = True
        self._forget_closed_loops()

    async def aclose(self) -> None:
        """Close the client of the running loop and make no other."""
        self.close()
        lifetime = self._lifetimes.get(asyncio.get_running_loop())
        if lifetime is not None:
            await lifetime.end.aclose()

    async def _until_the_end(self, loop: AbstractEventLoop, client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
        # A loop that ends closes the async generators that were begun on it, while it still runs: the only moment at
        # which connections can be closed that nobody closed before.
        try:
            yield
        finally:
            self._lifetimes.pop(loop, None)
            await client.aclose()

    def _forget_closed_loops(self) -> None:
        # Loops that were closed without ending their generators, which asyncio.run would have done.
        for loop in list(self._lifetimes):
            if loop.is_closed():
                self._lifetimes.pop(loop, None)


def _check_open(closed: bool) -> None:
    if closed:
        raise LocalServiceException("the channel is closed; ask the service manager for a new service")


def _check_type(client: object, expected: type, make: Callable[[], object]) -> None:
    if not isinstance(client, expected):
        raise LocalServiceException(f"{make.__qualname__}() must return a httpx.{expected.__name__}, not {client!r}")
