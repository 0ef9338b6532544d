"""Owners of clients and engines: a channel has one for sync calls per process and one for async calls per event loop.

Those for sync calls are shared by threads. After a fork the child creates its own: inherited connections are the
parent's. Those for async calls belong to the loop on which they were first used, and end with it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from service_core import LocalServiceException


class _Closable(Protocol):
    def close(self) -> None: ...


class _AsyncClosable(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=_Closable)
A = TypeVar("A", bound=_AsyncClosable)


class _Process:
    """This process. Its id is needed for every call, and reading it is a system call."""

    __slots__ = ("id",)

    def __init__(self) -> None:
        self.note()

    def note(self) -> None:
        self.id = os.getpid()


_this: Final = _Process()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_this.note)


class _Slot(Generic[C]):
    __slots__ = ("lock", "owned")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owned: C | None = None


class OncePerProcess(Generic[C]):
    """Owns one object in each process. Safe to use from several threads and after a fork."""

    def __init__(self, make: Callable[[], C]) -> None:
        """``make`` creates the object on first use."""
        self._make = make
        # By process id. A child keeps the slots of its parents but never touches them, since their locks may be held
        # and closing would need one.
        self._slots: dict[int, _Slot[C]] = {}
        self._closed = False

    def get(self) -> C:
        """The object, created on first use. Raises LocalServiceException if closed."""
        slot = self._slots.get(_this.id)
        if slot is not None and slot.owned is not None:
            return slot.owned
        slot = self._slot()
        with slot.lock:
            _check_open(self._closed)
            owned = slot.owned
            if owned is None:
                owned = slot.owned = self._make()
        return owned

    def close(self) -> None:
        """Close the object, and create no other."""
        slot = self._slot()
        with slot.lock:
            self._closed = True
            owned, slot.owned = slot.owned, None
        if owned is not None:
            owned.close()

    def _slot(self) -> _Slot[C]:
        return self._slots.get(_this.id) or self._slots.setdefault(_this.id, _Slot())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lifetime(Generic[A]):
    owned: A
    end: AsyncGenerator[None, None]
    """Closing this generator closes the object."""


class OncePerLoop(Generic[A]):
    """Owns one object on each event loop. Safe to use from several threads, each with its loop."""

    def __init__(self, make: Callable[[], A]) -> None:
        """``make`` creates the object on first use."""
        self._make = make
        self._lifetimes: dict[AbstractEventLoop, _Lifetime[A]] = {}
        self._closed = False

    def get(self) -> A:
        """The object of the running loop, created on first use. Raises LocalServiceException if closed."""
        loop = asyncio.get_running_loop()
        lifetime = self._lifetimes.get(loop)
        if lifetime is None or self._closed:
            _check_open(self._closed)
            self._forget_closed_loops()
            owned = self._make()
            lifetime = _Lifetime(owned=owned, end=self._until_the_end(loop, owned))
            with suppress(StopIteration):  # it reaches its yield without waiting
                anext(lifetime.end).send(None)
            self._lifetimes[loop] = lifetime
        return lifetime.owned

    def close(self) -> None:
        """Create no other object. Those of running loops end with their loop."""
        self._closed = True
        self._forget_closed_loops()

    async def aclose(self) -> None:
        """Close the object of the running loop, and create no other."""
        self.close()
        lifetime = self._lifetimes.get(asyncio.get_running_loop())
        if lifetime is not None:
            await lifetime.end.aclose()

    async def _until_the_end(self, loop: AbstractEventLoop, owned: A) -> AsyncGenerator[None, None]:
        # A loop that ends closes the async generators that were started on it, while it still runs: the last moment at
        # which connections that are still open can be closed.
        try:
            yield
        finally:
            self._lifetimes.pop(loop, None)
            await owned.aclose()

    def _forget_closed_loops(self) -> None:
        # Loops that were closed without closing their generators, as asyncio.run does.
        for loop in list(self._lifetimes):
            if loop.is_closed():
                self._lifetimes.pop(loop, None)


def _check_open(closed: bool) -> None:
    if closed:
        raise LocalServiceException("the channel is closed; get a new service from the service manager")
