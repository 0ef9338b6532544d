"""Puts advice around the methods of objects.

An advised object belongs to a subclass of its class that overrides the advised methods and nothing else, so
``isinstance``, slots and calls from inside the object work; an object without matching advice is left alone.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any

from service_core.aop._advice import Advice, Kind
from service_core.aop._invocation import Invocation, Wrapper
from service_core.aop._wrappers import OUTERMOST_FIRST, wrapper_of
from service_core.errors import DeclarationException
from service_core.markers import functions_of, order_of


class Weaver:
    """Holds the advice of one environment. Safe to use from several threads."""

    def __init__(self, owners: Sequence[type], get: Callable[[type], Any]) -> None:
        """``get`` returns the object of an advice class; it is called when an advised method is first called."""
        self._get = get
        self._advice = [advice for owner in owners for advice in Advice.of(owner)]
        self._advice.sort(key=lambda advice: (order_of(advice.owner), order_of(advice.function)))
        self._advised: dict[type, type] = {owner: owner for owner in owners}

    def weave(self, target: object) -> None:
        """Apply the matching advice to the methods of an object. Raises DeclarationException."""
        cls = type(target)
        advised = self._advised.get(cls)
        if advised is None:
            advised = self._advised.setdefault(cls, self._subclass(cls))
            self._advised[advised] = advised
        if advised is not cls:
            object.__setattr__(target, "__class__", advised)  # also if the class freezes its objects

    def without_match(self, classes: Sequence[type], bases: Sequence[type]) -> Iterator[Callable[..., Any]]:
        """The advice methods that apply to no method of these classes, nor of a class below one of ``bases``.

        The types that a pointcut names count as bases as well.
        """
        for advice in self._advice:
            named = (kind for pointcut in advice.pointcuts for kind in pointcut.types)
            candidates = itertools.chain(classes, _with_subclasses(bases), _with_subclasses(named))
            if not any(map(advice.covers_any, candidates)):
                yield advice.function

    def _subclass(self, cls: type) -> type:
        for misplaced in Advice.of(cls):
            raise DeclarationException(
                f"{misplaced.function.__qualname__} has @{misplaced.kind}, but its class is no advice class; decorate "
                f"{cls.__name__} with @advice"
            )
        body: dict[str, Any] = {}
        for name, function in functions_of(cls).items():
            found = [advice for advice in self._advice if advice.covers(cls, name, function)]
            if found:
                _check_async(found, cls, function)
                body[name] = _override(function, functools.partial(self._wrappers, function, found))
        if not body:
            return cls
        copied = ("__doc__", "__module__", "__qualname__")
        body |= {"__slots__": ()} | {name: getattr(cls, name) for name in copied}
        return types.new_class(cls.__name__, (cls,), exec_body=lambda namespace: namespace.update(body))

    def _wrappers(self, function: FunctionType, found: Sequence[Advice]) -> Sequence[Wrapper]:
        """The wrappers of a method, the outermost first."""
        is_async = inspect.iscoroutinefunction(function)

        def of_kind(kind: Kind) -> list[Wrapper]:
            advice = [one for one in found if one.kind == kind]
            # Of those that run after the method, the first has to be the innermost.
            ordered = advice if kind in ("before", "around") else reversed(advice)
            return [wrapper_of(kind, getattr(self._get(one.owner), one.name), is_async=is_async) for one in ordered]

        return [wrapper for kind in OUTERMOST_FIRST for wrapper in of_kind(kind)]


def _with_subclasses(classes: Iterable[type]) -> Iterator[type]:
    for cls in classes:
        yield cls
        yield from _with_subclasses(type.__subclasses__(cls))


def _check_async(found: Sequence[Advice], cls: type, function: FunctionType) -> None:
    for advice in found:
        if inspect.iscoroutinefunction(advice.function) and not inspect.iscoroutinefunction(function):
            raise DeclarationException(
                f"advice {advice.owner.__name__}.{advice.name} is async, but covers {cls.__name__}."
                f"{function.__name__}, which is not; write it without 'async', or add .that_are_async()"
            )


def _override(function: FunctionType, build: Callable[[], Sequence[Wrapper]]) -> Callable[..., Any]:
    wrappers: Sequence[Wrapper] | None = None

    def built() -> Sequence[Wrapper]:
        # Two threads may build at once: both get the same advice objects, so either result will do.
        nonlocal wrappers
        if wrappers is None:
            wrappers = build()
        return wrappers

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def advised_async(*args: Any, **kwargs: Any) -> Any:
            return await Invocation(function, built(), args, kwargs).proceed()

        return advised_async

    @functools.wraps(function)
    def advised(*args: Any, **kwargs: Any) -> Any:
        return Invocation(function, built(), args, kwargs).proceed()

    return advised
