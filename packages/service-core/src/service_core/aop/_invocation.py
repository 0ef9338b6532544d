"""A call of an advised method, and the chain of its advice."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["AdviceMethod", "Chain", "Invocation"]


class Invocation:
    """One call of a method, as passed to advice."""

    __slots__ = ("_chain", "_depth", "args", "exception", "kwargs", "result")

    def __init__(self, chain: Chain, args: tuple[Any, ...], kwargs: dict[str, Any], depth: int = 0) -> None:
        self.args = args
        """The positional arguments; the first is the object whose method is called."""
        self.kwargs = kwargs
        """The keyword arguments."""
        self.result: Any = None
        """The result of the method. An after advice may replace it."""
        self.exception: BaseException | None = None
        """The exception of the method. An error advice may replace it; with None the call returns ``result``."""
        self._chain = chain
        self._depth = depth

    @property
    def func(self) -> Callable[..., Any]:
        """The method without its advice."""
        return self._chain.function

    def proceed(self, *args: Any, **kwargs: Any) -> Any:
        """Call the next around advice, or the method itself, and return its result.

        Given arguments replace all original ones; the first is the object itself, which stays if only keyword
        arguments are given. For an async method the result is awaitable. May be called again for another try.
        """
        if args or kwargs:
            args = args or self.args[:1]
        else:
            args, kwargs = self.args, self.kwargs
        chain = self._chain
        if self._depth == len(chain.around):
            return chain.function(*args, **kwargs)
        advice = chain.around[self._depth]
        following = Invocation(chain, args, kwargs, self._depth + 1)
        return _settle(advice, following) if chain.is_async else advice(following)


AdviceMethod = Callable[[Invocation], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """A method with its advice: before comes first, then around with the outermost first, error, after."""

    function: Callable[..., Any]
    is_async: bool
    before: tuple[AdviceMethod, ...]
    around: tuple[AdviceMethod, ...]
    error: tuple[AdviceMethod, ...]
    """Called if a before advice, an around advice or the method raises an Exception."""
    after: tuple[AdviceMethod, ...]
    """Called however the call ends, also if it is cancelled."""

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a sync method."""
        invocation = Invocation(self, args, kwargs)
        try:
            for advice in self.before:
                advice(invocation)
            invocation.result = invocation.proceed()
        except BaseException as failure:
            invocation.exception = failure
            for advice in self.error if isinstance(failure, Exception) else ():
                advice(invocation)
            if invocation.exception is failure:
                raise
            if invocation.exception is not None:
                raise invocation.exception from failure
        finally:
            for advice in self.after:
                advice(invocation)
        return invocation.result

    async def run_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an async method; each advice of it may be async as well."""
        invocation = Invocation(self, args, kwargs)
        try:
            for advice in self.before:
                await _settle(advice, invocation)
            invocation.result = await invocation.proceed()
        except BaseException as failure:
            invocation.exception = failure
            for advice in self.error if isinstance(failure, Exception) else ():
                await _settle(advice, invocation)
            if invocation.exception is failure:
                raise
            if invocation.exception is not None:
                raise invocation.exception from failure
        finally:
            for advice in self.after:
                await _settle(advice, invocation)
        return invocation.result


async def _settle(advice: AdviceMethod, invocation: Invocation) -> Any:
    value = advice(invocation)
    return await value if inspect.isawaitable(value) else value
