"""A call of an advised method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Invocation:
    """One call of a method, as passed to advice."""

    __slots__ = ("_depth", "_wrappers", "args", "exception", "func", "kwargs", "result")

    def __init__(
        self,
        func: Callable[..., Any],
        wrappers: Sequence[Wrapper],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        depth: int = 0,
    ) -> None:
        self.func = func
        """The method without its advice."""
        self.args = args
        """The positional arguments; the first is the object whose method is called."""
        self.kwargs = kwargs
        """The keyword arguments."""
        self.result: Any = None
        """The result of the method. An after advice may replace it."""
        self.exception: BaseException | None = None
        """The exception of the method. An error advice may replace it; with None the call returns ``result``."""
        self._wrappers = wrappers
        self._depth = depth

    def proceed(self, *args: Any, **kwargs: Any) -> Any:
        """Call the next advice, or the method itself, and return its result.

        Given arguments replace all original ones; the first is the object itself, which stays if only keyword
        arguments are given. For an async method the result is awaitable. May be called again for another try.
        """
        if args or kwargs:
            args = args or self.args[:1]
        else:
            args, kwargs = self.args, self.kwargs
        if self._depth == len(self._wrappers):
            return self.func(*args, **kwargs)
        wrapper = self._wrappers[self._depth]
        return wrapper(Invocation(self.func, self._wrappers, args, kwargs, self._depth + 1))


Wrapper = Callable[[Invocation], Any]
"""Runs around a method or the wrappers inside of it, which ``invocation.proceed()`` calls."""
