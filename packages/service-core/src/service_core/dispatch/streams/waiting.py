"""Serving streams: waiting for an item, which writes that the stream still runs, and ends at its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

from service_core.dispatch.streams.item_limits import ItemLimits
from service_core.dispatch.timeouts import TimedOut
from service_core.process.timers import Timer, start_timer

T = TypeVar("T")

_FIRST: Final = 1.0
"""Seconds until the first part, with an item or without, so that callers know early that the stream has begun."""
_EARLY: Final = 0.002
"""Seconds by which timers may expire before their time."""


class ItemWait:
    """Waits for the items of one stream. Used by one task, without a timer as long as nothing waits."""

    __slots__ = ("_before", "_has_passed", "_idle_at", "_keep_alive", "_limits", "_on_idle", "_task", "_timer")

    def __init__(self, limits: ItemLimits, keep_alive: float, on_idle: Callable[[], None]) -> None:
        """``on_idle`` is called if no part has been written for ``keep_alive`` seconds, and for the first second."""
        self._limits = limits
        self._keep_alive = keep_alive
        self._on_idle = on_idle
        self._idle_at = time.monotonic() + _FIRST
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._before = self._task.cancelling()
        self._has_passed = False
        self._timer: Timer | None = None

    def part_written(self) -> None:
        """Count the time until the next part from now on."""
        self._idle_at = time.monotonic() + self._keep_alive

    async def until(self, step: Awaitable[T]) -> T:
        """Wait for a step of the generator. Raises TimedOut at a limit.

        A step that ignores its cancellation and yields an item ends the stream all the same.
        """
        self._before = before = self._task.cancelling()
        self._start_timer()
        try:
            item = await step
        except asyncio.CancelledError:
            if self._has_passed and self._task.uncancel() <= before:
                raise TimedOut from None
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._has_passed:
            self._task.uncancel()
            raise TimedOut
        if self._task.cancelling() > before:
            raise asyncio.CancelledError
        return item

    def _start_timer(self) -> None:
        seconds = min(self._idle_at - time.monotonic(), self._limits.remaining)
        self._timer = start_timer(max(seconds, 0.0), self._expire)

    def _expire(self) -> None:
        remaining = self._limits.remaining
        if remaining <= 0.0:
            if self._task.cancelling() <= self._before:  # what ends already, as its caller has left, is not interrupted
                self._has_passed = True
                self._task.cancel()
            return
        if remaining > _EARLY and self._idle_at <= time.monotonic() + _EARLY:
            self._on_idle()
        self._start_timer()
