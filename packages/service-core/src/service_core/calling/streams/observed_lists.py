"""Streams that a client observes: from their first step to their end, and without the time of their reader's context.

Observers may set what is current, a span say. Only the call sees that, and not what its reader does between two items:
so each step runs in a context of the stream's own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any

from service_core.call import Call
from service_core.calling.streams.in_context import EnteredInCopy, in_context, in_context_async
from service_core.observing import observed


def observed_lists(lists: Generator[list[Any], None, None], call: Call) -> Generator[list[Any], None, None]:
    """The same lists, observed."""
    with EnteredInCopy(observed(call)) as context, closing(in_context(lists, context)) as steps:
        yield from steps


async def observed_lists_async(lists: AsyncGenerator[list[Any], None], call: Call) -> AsyncGenerator[list[Any], None]:
    """As :func:`observed_lists`, for ``async for``."""
    with EnteredInCopy(observed(call)) as context:
        async with aclosing(in_context_async(lists, context)) as steps:
            async for items in steps:
                yield items
