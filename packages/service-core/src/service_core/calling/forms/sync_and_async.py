"""The other form of a method: ``def`` for ``async def``, and the other way round."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar, overload

from service_core.calling.proxy import OTHER_FORM, STREAMS_ASYNC
from service_core.calling.streams.in_context import in_context, in_context_async
from service_core.calling.streams.loop_thread import background_loop, in_background, in_threads
from service_core.errors import LocalServiceException

P = ParamSpec("P")
R = TypeVar("R")


@overload
def blocking(method: Callable[P, AsyncIterator[R]]) -> Callable[P, Generator[R, None, None]]: ...
@overload
def blocking(method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]: ...
def blocking(method: Callable[..., Any]) -> Callable[..., Any]:
    """A ``def`` form of an ``async def`` method, for code that runs no event loop: ``blocking(service.method)(...)``.

    A proxy's method is sent as a sync call. Any other coroutine function, and a stream, runs on an event loop of a
    thread of its own, with the context of the caller; of a stream the ``def`` form is a generator. Calls raise
    LocalServiceException on a thread that runs an event loop: await the method there. Raises LocalServiceException if
    ``method`` is neither ``async def`` nor a proxy's method with ``AsyncIterator`` as its result.
    """
    if _streams_async(method):
        return _blocking_stream(method)
    if not inspect.iscoroutinefunction(method):
        raise LocalServiceException(f"blocking({_name(method)}): the method is not 'async def'; call it as it is")
    send = getattr(method, OTHER_FORM, None)

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        _check_no_loop(method, "await")
        if send is not None:
            return send(*args, **kwargs)
        return asyncio.run_coroutine_threadsafe(method(*args, **kwargs), background_loop()).result()

    return call


@overload
def awaitable(method: Callable[P, Iterator[R]]) -> Callable[P, AsyncGenerator[R, None]]: ...  # type: ignore[overload-overlap]
@overload
def awaitable(method: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]: ...
def awaitable(method: Callable[..., Any]) -> Callable[..., Any]:
    """An ``async def`` form of a ``def`` method, for code on an event loop: ``await awaitable(service.method)(...)``.

    A proxy's method is sent as an async call. Any other function runs in a thread, with the context of the caller, and
    a stream, a generator function or a proxy's method with ``Iterator`` as its result, step by step in threads; of a
    stream the async form is read with ``async for``. Raises LocalServiceException if ``method`` is async already.
    """
    if inspect.isgeneratorfunction(method) or getattr(method, STREAMS_ASYNC, None) is False:
        return _awaitable_stream(method)
    if inspect.iscoroutinefunction(method) or _streams_async(method):
        raise LocalServiceException(f"awaitable({_name(method)}): the method is 'async def' already; await it as it is")
    send = getattr(method, OTHER_FORM, None)

    async def call(*args: Any, **kwargs: Any) -> Any:
        if send is not None:
            return await send(*args, **kwargs)
        return await asyncio.to_thread(method, *args, **kwargs)

    return functools.update_wrapper(call, method)


def _blocking_stream(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        _check_no_loop(method, "async for item in")
        return in_background(in_context_async(method(*args, **kwargs), copy_context()))

    return call


def _awaitable_stream(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return in_threads(in_context(method(*args, **kwargs), copy_context()))

    return call


def _streams_async(method: Callable[..., Any]) -> bool:
    return inspect.isasyncgenfunction(method) or getattr(method, STREAMS_ASYNC, None) is True


def _check_no_loop(method: object, instead: str) -> None:
    if asyncio._get_running_loop() is not None:
        raise LocalServiceException(
            f"blocking({_name(method)}) is called on a running event loop, which would stand still; write "
            f"'{instead} {_name(method)}(...)' here"
        )


def _name(method: object) -> str:
    return str(getattr(method, "__qualname__", method))
