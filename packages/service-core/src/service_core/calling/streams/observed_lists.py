"""Streams that a client observes: from their first step to their end, and without the time of their reader's context.

Observers may set what is current, a span say. Only the call sees that, and not what its reader does between two items:
so each step runs in a context of the stream's own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from typing import Any

from service_core.call import Call
from service_core.observing import observed

__all__ = ["observed_lists", "observed_lists_async"]


def observed_lists(lists: Generator[list[Any], None, None], call: Call) -> Generator[list[Any], None, None]:
    """The same lists, observed."""
    with _Observation(call) as context:
        try:
            while (items := context.run(next, lists, None)) is not None:
                yield items
        finally:
            context.run(lists.close)


async def observed_lists_async(lists: AsyncGenerator[list[Any], None], call: Call) -> AsyncGenerator[list[Any], None]:
    """As :func:`observed_lists`, for ``async for``."""
    with _Observation(call) as context:
        try:
            while (items := await _ObservedStep(context, anext(lists, None))) is not None:
                yield items
        finally:
            await _ObservedStep(context, lists.aclose())


class _Observation:
    """Observes a call in a copy of the current context."""

    def __init__(self, call: Call) -> None:
        self._context = copy_context()
        self._observed: AbstractContextManager[None] = observed(call)

    def __enter__(self) -> Context:
        self._context.run(self._observed.__enter__)
        return self._context

    def __exit__(self, *raised: Any) -> bool | None:
        return self._context.run(self._observed.__exit__, *raised)


class _ObservedStep:
    """Awaits something in a context."""

    def __init__(self, context: Context, step: Awaitable[Any]) -> None:
        self._context = context
        self._step = step

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Any = self._step.__await__()
        go_on: Callable[[Any], Any] = step.send
        value: Any = None
        while True:
            try:
                waits_for = self._context.run(go_on, value)
            except StopIteration as returned:
                return returned.value
            try:
                value, go_on = (yield waits_for), step.send
            except BaseException as error:  # noqa: BLE001 - the step decides about it
                value, go_on = error, step.throw
