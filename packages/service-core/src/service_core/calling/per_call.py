"""Calls of implementations in a request scope of the container."""

from __future__ import annotations

from typing import Any

from service_core.call import Call
from service_core.calling.proxy import InvocationHandler
from service_core.hosting.hosted_services import Implementations

__all__ = ["PerCall"]


class PerCall(InvocationHandler):
    """Carries out each call in a request scope, on the implementation that belongs to it."""

    def __init__(self, implementations: Implementations) -> None:
        self._implementations = implementations

    def invoke(self, invocation: Call) -> Any:
        """Carry out the call of a ``def`` method."""
        with self._implementations.request():
            return self._method(invocation)(*invocation.args, **invocation.kwargs)

    async def invoke_async(self, invocation: Call) -> Any:
        """Carry out the call of an ``async def`` method."""
        with self._implementations.request():
            return await self._method(invocation)(*invocation.args, **invocation.kwargs)

    def _method(self, invocation: Call) -> Any:
        return getattr(self._implementations.get(invocation.type), invocation.descriptor.name)

    def __repr__(self) -> str:
        return "an implementation per call"
