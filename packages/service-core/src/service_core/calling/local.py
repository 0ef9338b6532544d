"""The local channel: calls of what this process implements itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service_core.addresses import LOCAL
from service_core.call import Call
from service_core.calling.channel import Channel
from service_core.calling.streams.lists import one_by_one, one_by_one_async


class LocalChannel(Channel):
    """Calls the implementation directly: no copy of the arguments, no deadline, errors as they are."""

    name = LOCAL

    def __init__(self, implementation: Callable[[type], Any]) -> None:
        """``implementation`` gives the object that implements an interface."""
        super().__init__()
        self._implementation = implementation

    def invoke(self, invocation: Call) -> Any:
        target = self._implementation(invocation.type)
        return getattr(target, invocation.descriptor.name)(*invocation.args, **invocation.kwargs)

    def invoke_stream(self, invocation: Call) -> Any:
        items = self.invoke(invocation)
        return one_by_one_async(items) if invocation.descriptor.is_async else one_by_one(items)

    async def invoke_async(self, invocation: Call) -> Any:
        return await self.invoke(invocation)
