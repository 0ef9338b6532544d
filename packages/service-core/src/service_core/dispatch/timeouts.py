"""Waiting with a limit, which costs nothing as long as nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from types import CoroutineType
from typing import Any, Generic, TypeVar, cast

from service_core.process.timers import start_timer

T = TypeVar("T")


class TimedOut(Exception):
    """What was awaited did not come in time."""

    def __init__(self, *, begun: bool = True) -> None:
        """``begun`` is False if it was not even started."""
        super().__init__()
        self.begun = begun


def begin(awaitable: Awaitable[T]) -> tuple[bool, Any]:
    """Run a coroutine to its first wait: true and its result, or false and the rest of it, to be awaited.

    Most methods return without a wait. What is no coroutine is not begun.
    """
    if not isinstance(awaitable, CoroutineType):
        return False, awaitable
    try:
        waits_for = awaitable.send(None)
    except StopIteration as returned:
        return True, returned.value
    return False, Continuation(awaitable, waits_for)


async def within(awaitable: Awaitable[T], seconds: float | None) -> T:
    """Wait for something, at most that many seconds; None for no limit. Raises TimedOut.

    A timer is set only for what waits.
    """
    if seconds is None:
        return await awaitable
    is_done, rest = begin(awaitable)
    if is_done:
        return cast(T, rest)
    with _Limit(seconds):
        return cast(T, await rest)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Wait for something to its end, as for ``finally`` blocks. A cancellation meanwhile is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


class _Limit:
    """Cancels the current task after some seconds, and distinguishes its own cancellation from others."""

    __slots__ = ("_before", "_has_passed", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._before = self._task.cancelling()
        self._has_passed = False
        self._timer = start_timer(seconds, self._pass)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._timer.cancel()
        if self._has_passed and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimedOut from None

    def _pass(self) -> None:
        if self._task.cancelling() <= self._before:  # what ends already, as its caller has left, is not interrupted
            self._has_passed = True
            self._task.cancel()


class Continuation(Generic[T]):
    """The rest of a coroutine that has come to its first wait."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: object) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, waits_for = self._coroutine, self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in, and passed on to the coroutine
                    waits_for = coroutine.throw(error)
                else:
                    waits_for = coroutine.send(sent)
        except StopIteration as returned:
            value: T = returned.value
            return value
