"""Generators whose steps run in a context of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar, copy_context
from typing import Any

from service_core.calling.streams.in_context import in_context, in_context_async

seen: ContextVar[str] = ContextVar("seen", default="nothing")


def test_steps_see_the_variables_of_their_context_and_the_caller_does_not() -> None:
    def items() -> Generator[str, None, None]:
        seen.set("inside")
        yield seen.get()
        yield seen.get()

    taken = []
    for item in in_context(items(), copy_context()):
        taken += [item, seen.get()]
    assert taken == ["inside", "nothing", "inside", "nothing"]


def test_async_steps_do_so_too_across_waits() -> None:
    async def items() -> AsyncGenerator[str, None]:
        token = seen.set("inside")
        try:
            yield seen.get()
            await asyncio.sleep(0)
            yield seen.get()
        finally:
            seen.reset(token)

    async def take() -> list[Any]:
        taken: list[Any] = []
        async for item in in_context_async(items(), copy_context()):
            taken += [item, seen.get()]
        return taken

    assert asyncio.run(take()) == ["inside", "nothing", "inside", "nothing"]
