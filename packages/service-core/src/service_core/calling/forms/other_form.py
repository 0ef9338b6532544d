"""The other form of a method: ``def`` for ``async def``, and the other way round."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from service_core.calling.proxy import OTHER_FORM
from service_core.calling.streams.loop_thread import background_loop
from service_core.errors import LocalServiceException

__all__ = ["awaitable", "blocking"]

P = ParamSpec("P")
R = TypeVar("R")


def blocking(method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """A ``def`` form of an ``async def`` method, for code that runs no event loop: ``blocking(service.method)(...)``.

    A proxy's method is sent as a sync call. Any other coroutine function runs on an event loop of a thread of its own,
    with the context of the caller. Calls raise LocalServiceException on a thread that runs an event loop: await the
    method there. Raises LocalServiceException if ``method`` is not ``async def``.
    """
    if not inspect.iscoroutinefunction(method):
        raise LocalServiceException(f"blocking({_name(method)}): the method is not 'async def'; call it as it is")
    send = getattr(method, OTHER_FORM, None)

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if asyncio._get_running_loop() is not None:
            raise LocalServiceException(
                f"blocking({_name(method)}) is called on a running event loop, which would stand still; write "
                f"'await {_name(method)}(...)' here"
            )
        if send is not None:
            result: R = send(*args, **kwargs)
            return result
        return asyncio.run_coroutine_threadsafe(method(*args, **kwargs), background_loop()).result()

    return call


def awaitable(method: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """An ``async def`` form of a ``def`` method, for code on an event loop: ``await awaitable(service.method)(...)``.

    A proxy's method is sent as an async call. Any other function runs in a thread, with the context of the caller.
    Raises LocalServiceException if ``method`` is ``async def`` already.
    """
    if inspect.iscoroutinefunction(method):
        raise LocalServiceException(f"awaitable({_name(method)}): the method is 'async def' already; await it as it is")
    send = getattr(method, OTHER_FORM, None)

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if send is not None:
            result: R = await send(*args, **kwargs)
            return result
        return await asyncio.to_thread(method, *args, **kwargs)

    return functools.update_wrapper(call, method)


def _name(method: object) -> str:
    return str(getattr(method, "__qualname__", method))
