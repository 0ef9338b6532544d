"""Generators whose steps run in a context of their own, whichever task or thread takes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

__all__ = ["in_context", "in_context_async"]

T = TypeVar("T")


def in_context(items: Generator[T, None, None], context: Context) -> Generator[T, None, None]:
    """The items of a generator; its steps run in ``context``."""
    try:
        while True:
            try:
                item = context.run(next, items)
            except StopIteration:
                return
            yield item
    finally:
        context.run(items.close)


async def in_context_async(items: AsyncGenerator[T, None], context: Context) -> AsyncGenerator[T, None]:
    """As :func:`in_context`, for ``async for``."""
    try:
        while True:
            try:
                item = await _ContextStep(items.__anext__(), context)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await _ContextStep(items.aclose(), context)


class _ContextStep(Generic[T]):
    """One step of an async generator, run in a context."""

    __slots__ = ("_context", "_step")

    def __init__(self, step: Coroutine[Any, Any, T], context: Context) -> None:
        self._step = step
        self._context = context

    def __await__(self) -> Generator[Any, Any, T]:
        step, context = self._step, self._context
        try:
            waits_for = context.run(step.send, None)
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    context.run(step.close)
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in, and passed on to the step
                    waits_for = context.run(step.throw, error)
                else:
                    waits_for = context.run(step.send, sent)
        except StopIteration as returned:
            value: T = returned.value
            return value
