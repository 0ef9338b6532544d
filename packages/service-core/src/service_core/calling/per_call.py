"""Calls of implementations in a request scope of the container."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any

from service_core.call import Call
from service_core.calling.proxy import InvocationHandler
from service_core.calling.streams.in_context import EnteredInCopy, in_context, in_context_async
from service_core.calling.streams.lists import one_by_one, one_by_one_async
from service_core.hosting.hosted_services import Implementations


class PerCall(InvocationHandler):
    """Carries out each call in a request scope, on the implementation that belongs to it."""

    def __init__(self, implementations: Implementations) -> None:
        self._implementations = implementations

    def invoke(self, invocation: Call) -> Any:
        with self._implementations.request():
            return self._called(invocation)

    async def invoke_async(self, invocation: Call) -> Any:
        with self._implementations.request():
            return await self._called(invocation)

    def invoke_stream(self, invocation: Call) -> Any:
        """Carry out the call of a method whose result is a stream; the scope lasts as long as the stream."""
        return self._lists_async(invocation) if invocation.descriptor.is_async else self._lists(invocation)

    def _lists(self, invocation: Call) -> Generator[list[Any], None, None]:
        # The scope is seen by the steps of the stream, and not by what runs between them.
        with EnteredInCopy(self._implementations.request()) as context:
            items = one_by_one(context.run(self._called, invocation))
            with closing(in_context(items, context)) as lists:
                yield from lists

    async def _lists_async(self, invocation: Call) -> AsyncGenerator[list[Any], None]:
        with EnteredInCopy(self._implementations.request()) as context:
            items = one_by_one_async(context.run(self._called, invocation))
            async with aclosing(in_context_async(items, context)) as lists:
                async for each in lists:
                    yield each

    def _called(self, invocation: Call) -> Any:
        method = getattr(self._implementations.get(invocation.type), invocation.descriptor.name)
        return method(*invocation.args, **invocation.kwargs)

    def __repr__(self) -> str:
        return "an implementation per call"
