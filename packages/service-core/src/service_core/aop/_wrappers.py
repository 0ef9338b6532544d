"""Advice of each kind as one that runs around a method."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from service_core.aop._advice import Kind
from service_core.aop._invocation import Invocation, Wrapper

OUTERMOST_FIRST: Final[tuple[Kind, ...]] = ("after", "error", "before", "around")
"""An error advice runs for errors of a before advice, too; an after advice however the call ends."""


def wrapper_of(kind: Kind, advice: Callable[[Invocation], Any], *, is_async: bool) -> Wrapper:
    """A method of an advice class as a wrapper; the wrapper of an async method is async, also if the advice is not."""
    return functools.partial((_ASYNC if is_async else _SYNC)[kind], advice)


def _before(advice: Wrapper, invocation: Invocation) -> Any:
    advice(invocation)
    return invocation.proceed()


def _around(advice: Wrapper, invocation: Invocation) -> Any:
    return advice(invocation)


def _error(advice: Wrapper, invocation: Invocation) -> Any:
    try:
        return invocation.proceed()
    except Exception as failure:
        invocation.exception = failure
        advice(invocation)
        if invocation.exception is failure:
            raise
        if invocation.exception is not None:
            raise invocation.exception from failure
        return invocation.result


def _after(advice: Wrapper, invocation: Invocation) -> Any:
    try:
        invocation.result = invocation.proceed()
    except BaseException as failure:
        invocation.exception = failure
        raise
    finally:
        advice(invocation)
    return invocation.result


async def _before_async(advice: Wrapper, invocation: Invocation) -> Any:
    await _settle(advice(invocation))
    return await invocation.proceed()


async def _around_async(advice: Wrapper, invocation: Invocation) -> Any:
    return await _settle(advice(invocation))


async def _error_async(advice: Wrapper, invocation: Invocation) -> Any:
    try:
        return await invocation.proceed()
    except Exception as failure:
        invocation.exception = failure
        await _settle(advice(invocation))
        if invocation.exception is failure:
            raise
        if invocation.exception is not None:
            raise invocation.exception from failure
        return invocation.result


async def _after_async(advice: Wrapper, invocation: Invocation) -> Any:
    try:
        invocation.result = await invocation.proceed()
    except BaseException as failure:
        invocation.exception = failure
        raise
    finally:
        await _settle(advice(invocation))
    return invocation.result


async def _settle(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


_SYNC: Final[Mapping[Kind, Callable[[Wrapper, Invocation], Any]]] = {
    "before": _before,
    "around": _around,
    "error": _error,
    "after": _after,
}
_ASYNC: Final[Mapping[Kind, Callable[[Wrapper, Invocation], Any]]] = {
    "before": _before_async,
    "around": _around_async,
    "error": _error_async,
    "after": _after_async,
}
