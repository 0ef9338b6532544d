"""Generators whose steps run in a context of their own, whichever task or thread takes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class EnteredInCopy:
    """Enters and leaves a block in a copy of the current context: what it sets is seen there alone."""

    def __init__(self, block: AbstractContextManager[None]) -> None:
        self._block = block
        self._context = copy_context()

    def __enter__(self) -> Context:
        self._context.run(self._block.__enter__)
        return self._context

    def __exit__(self, *raised: Any) -> bool | None:
        return self._context.run(self._block.__exit__, *raised)


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
    """Something that is awaited in a context."""

    __slots__ = ("_context", "_step")

    def __init__(self, step: Awaitable[T], context: Context) -> None:
        self._step = step
        self._context = context

    def __await__(self) -> Generator[Any, Any, T]:
        context = self._context
        step: Any = self._step.__await__()
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
