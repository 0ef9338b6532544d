"""What a proxy returns for a method whose result is a stream: a generator over the lists that a handler gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

from service_core.call import Call
from service_core.calling.streams.observed_lists import observed_lists, observed_lists_async
from service_core.errors import ServiceException
from service_core.observing import client_observers


def items_of(lists: Generator[list[Any], None, None], call: Call) -> Generator[Any, None, None]:
    """The items of the lists, one by one. Closing it, or dropping the last reference, ends the call."""
    lists = observed_lists(lists, call) if client_observers else lists
    try:
        for items in lists:
            yield from items
    except ServiceException as error:
        error.failed_call = call.descriptor.where
        raise
    finally:
        lists.close()


async def items_of_async(lists: AsyncGenerator[list[Any], None], call: Call) -> AsyncGenerator[Any, None]:
    """As :func:`items_of`, for ``async for``."""
    lists = observed_lists_async(lists, call) if client_observers else lists
    try:
        async for items in lists:
            for item in items:
                yield item
    except ServiceException as error:
        error.failed_call = call.descriptor.where
        raise
    finally:
        await lists.aclose()


def one_by_one(items: Iterator[Any]) -> Generator[list[Any], None, None]:
    """Each item in a list of its own, as handlers give them."""
    try:
        for item in items:
            yield [item]
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


async def one_by_one_async(items: AsyncIterator[Any]) -> AsyncGenerator[list[Any], None]:
    """As :func:`one_by_one`, for ``async for``."""
    try:
        async for item in items:
            yield [item]
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
