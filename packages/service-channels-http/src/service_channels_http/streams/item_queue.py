"""Items of a sync argument that is a stream: the caller's thread takes them, and another thread sends them.

The iterator stays in the thread of the caller, to which a database cursor, say, belongs. What it yields while the other
thread sends is sent as one list, so small items are cheap, and no item waits for the next one.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from service_core.dispatch import items_ahead

_FIRST_ITEMS: Final = 16
"""Items by which the iterator runs ahead, as long as their size is not known."""


class _GivenUp(Exception):
    """The caller's iterator has raised, so what was sent is not whole."""


class ItemQueue:
    """Items on their way from one thread to another."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._limit = _FIRST_ITEMS
        self._changed = threading.Condition()
        self._is_wanted = False
        self._has_ended = False
        self._is_given_up = False
        self._is_over = False

    # the thread that sends

    def take(self) -> list[Any]:
        """The items that have come, at least one; an empty list after the last."""
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()
            while not (self._items or self._has_ended):
                self._changed.wait()
            if self._is_given_up:
                raise _GivenUp
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
            return items

    def adapt(self, count: int, size: int) -> None:
        """Let as many items wait as fit in the limit of bytes, since ``count`` of them had ``size`` bytes."""
        self._limit = items_ahead(count, size)

    def stop(self) -> None:
        """Nothing more is sent."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    # the caller's thread

    def wait_until_wanted(self) -> bool:
        """Wait for the first :meth:`take`; false if nothing is sent."""
        with self._changed:
            while not (self._is_wanted or self._is_over):
                self._changed.wait()
            return not self._is_over

    def put(self, item: Any) -> bool:
        """Add an item, and wait while many wait; false if nothing more is sent."""
        with self._changed:
            self._items.append(item)
            if len(self._items) == 1:
                self._changed.notify_all()
            while len(self._items) >= self._limit and not self._is_over:
                self._changed.wait()
            return not self._is_over

    def end(self, *, is_whole: bool) -> None:
        """There are no more items; the stream is broken off unless it ``is_whole``."""
        with self._changed:
            self._has_ended = True
            self._is_given_up = not is_whole
            self._changed.notify_all()


def feed(queue: ItemQueue, items: Iterable[Any], send: Callable[[], None], abort: Callable[[], None]) -> None:
    """Put all items into the queue while ``send`` takes them in another thread. Raises what either of both raises.

    ``abort`` ends the wait of a ``send`` that is not to be completed.
    """
    sending = _Sending(queue, send)
    is_whole = False
    try:
        if queue.wait_until_wanted():
            for item in items:
                if not queue.put(item):
                    break
        is_whole = True
    finally:
        queue.end(is_whole=is_whole)
        if not is_whole:
            abort()
        failure = sending.end()
    if failure is not None:
        raise failure


class _Sending:
    """A thread that sends."""

    def __init__(self, queue: ItemQueue, send: Callable[[], None]) -> None:
        self._queue = queue
        self._failure: BaseException | None = None
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run, send), name="service-upload", daemon=True)
        self._thread.start()

    def _run(self, send: Callable[[], None]) -> None:
        try:
            send()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            self._failure = error
        finally:
            self._queue.stop()

    def end(self) -> BaseException | None:
        """Wait until all has been sent; what was raised meanwhile."""
        self._thread.join()
        return self._failure
