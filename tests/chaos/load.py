"""Calls from several threads, for as long as things go wrong."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from service_core import ServiceException
from tests.chaos.ledger import Ledger
from tests.support.waiting import eventually

__all__ = ["Call", "Load", "percentile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that has ended."""

    entry: str
    """What the servers wrote down if they carried it out."""
    ended_at: float
    seconds: float
    server: int | None = None
    """The process that answered, None if none did."""
    error: ServiceException | None = None


class Load:
    """Threads that read and book, each one after the other, as long as the block lasts."""

    def __init__(self, ledger: Ledger, *, threads: int = 4, pause: float = 0.002) -> None:
        """``pause`` is the time in seconds between two calls of a thread."""
        self.reads: list[Call] = []
        """Idempotent calls that have ended."""
        self.bookings: list[Call] = []
        """Other calls that have ended."""
        self.mistaken: list[tuple[str, str]] = []
        """Entries whose answer was another one, with that answer."""
        self._ledger = ledger
        self._pause = pause
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(threads)]

    @property
    def calls(self) -> list[Call]:
        """All calls that have ended."""
        return [*self.reads, *self.bookings]

    def wait_for_calls(self, count: int) -> None:
        """Wait until that many more have ended."""
        wanted = len(self.reads) + len(self.bookings) + count
        eventually(lambda: len(self.reads) + len(self.bookings) >= wanted)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self, thread: int) -> None:
        for number in itertools.count():
            if self._ended.wait(self._pause):
                return
            self.reads.append(_carried_out(self._ledger.read, f"read-{thread}-{number}"))
            self.bookings.append(_carried_out(self._ledger.book, f"book-{thread}-{number}"))
            self._compare(f"echo-{thread}-{number}")

    def _compare(self, entry: str) -> None:
        with contextlib.suppress(ServiceException):
            answer = self._ledger.echo(entry)
            if answer != entry:
                self.mistaken.append((entry, answer))


def _carried_out(method: Callable[[str], int], entry: str) -> Call:
    server: int | None = None
    failure: ServiceException | None = None
    begin = time.monotonic()
    try:
        server = method(entry)
    except ServiceException as error:
        failure = error
    end = time.monotonic()
    return Call(entry=entry, ended_at=end, seconds=end - begin, server=server, error=failure)


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed; zero if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
