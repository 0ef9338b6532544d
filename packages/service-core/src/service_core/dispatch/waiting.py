"""Waiting with a limit, which costs nothing as long as nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from types import CoroutineType
from typing import Any, Generic, TypeVar

__all__ = ["Rest", "TimeIsUp", "within"]

T = TypeVar("T")


class TimeIsUp(Exception):
    """What was waited for did not come in time."""


async def within(awaitable: Awaitable[T], seconds: float | None) -> T:
    """Wait for something, at most that many seconds; None for no limit. Raises TimeIsUp.

    Most methods return, and most requests have arrived, without waiting for anything. So a coroutine is let run to
    its first wait before a timer is set.
    """
    if seconds is None:
        return await awaitable
    if isinstance(awaitable, CoroutineType):
        try:
            waits_for = awaitable.send(None)
        except StopIteration as returned:
            value: T = returned.value
            return value
        awaitable = Rest(awaitable, waits_for)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise TimeIsUp from None
        raise  # the coroutine's own


class Rest(Generic[T]):
    """What is left of a coroutine that has come to its first wait."""

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
                except BaseException as error:  # noqa: BLE001 - thrown in, and handed on to whom it is for
                    waits_for = coroutine.throw(error)
                else:
                    waits_for = coroutine.send(sent)
        except StopIteration as returned:
            value: T = returned.value
            return value
