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
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from service_core.aop._advice import ADVICE, Advice, Kind
from service_core.aop._invocation import AdviceMethod, Chain
from service_core.errors import DeclarationException
from service_core.markers import functions_of, order_of, stamped_methods

__all__ = ["Weaver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Method:
    """A method of an advice class, once for each of its decorators."""

    owner: type
    name: str
    function: FunctionType
    advice: Advice


class Weaver:
    """Holds the advice of one environment. Safe to use from several threads."""

    def __init__(self, owners: Sequence[type], get: Callable[[type], Any]) -> None:
        """``get`` returns the object of an advice class; it is called when an advised method is first called."""
        self._get = get
        self._methods = [
            _Method(owner=owner, name=name, function=function, advice=advice)
            for owner in owners
            for name, (function, stamps) in stamped_methods(owner, ADVICE).items()
            for advice in stamps
        ]
        self._methods.sort(key=lambda method: (order_of(method.owner), order_of(method.function)))
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
        for method in self._methods:
            named = (kind for pointcut in method.advice.pointcuts for kind in pointcut.types)
            candidates = itertools.chain(classes, _with_subclasses(bases), _with_subclasses(named))
            if not any(map(method.advice.covers_any, candidates)):
                yield method.function

    def _subclass(self, cls: type) -> type:
        body: dict[str, Any] = {}
        for name, function in functions_of(cls).items():
            found = [method for method in self._methods if method.advice.covers(cls, name, function)]
            if found:
                _check_async(found, cls, function)
                body[name] = _override(function, functools.partial(self._chain, function, found))
        if not body:
            return cls
        copied = ("__doc__", "__module__", "__qualname__")
        body |= {"__slots__": ()} | {name: getattr(cls, name) for name in copied}
        return types.new_class(cls.__name__, (cls,), exec_body=lambda namespace: namespace.update(body))

    def _chain(self, function: FunctionType, found: Sequence[_Method]) -> Chain:
        def of_kind(kind: Kind) -> tuple[AdviceMethod, ...]:
            of_it = [method for method in found if method.advice.kind == kind]
            return tuple(getattr(self._get(method.owner), method.name) for method in of_it)

        return Chain(
            function=function,
            is_async=inspect.iscoroutinefunction(function),
            before=of_kind("before"),
            around=of_kind("around"),
            error=of_kind("error"),
            after=of_kind("after"),
        )


def _with_subclasses(classes: Iterable[type]) -> Iterator[type]:
    for cls in classes:
        yield cls
        yield from _with_subclasses(type.__subclasses__(cls))


def _check_async(found: Sequence[_Method], cls: type, function: FunctionType) -> None:
    for method in found:
        if inspect.iscoroutinefunction(method.function) and not inspect.iscoroutinefunction(function):
            raise DeclarationException(
                f"advice {method.owner.__name__}.{method.name} is async, but covers {cls.__name__}."
                f"{function.__name__}, which is not; write it without 'async', or add .that_are_async()"
            )


def _override(function: FunctionType, build: Callable[[], Chain]) -> Callable[..., Any]:
    chain: Chain | None = None

    def built() -> Chain:
        # Two threads may build at once: both get the same advice objects, so either chain will do.
        nonlocal chain
        if chain is None:
            chain = build()
        return chain

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def advised_async(*args: Any, **kwargs: Any) -> Any:
            return await built().run_async(args, kwargs)

        return advised_async

    @functools.wraps(function)
    def advised(*args: Any, **kwargs: Any) -> Any:
        return built().run(args, kwargs)

    return advised
