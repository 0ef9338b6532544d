"""Puts advice around the methods of objects.

An advised object belongs to a subclass of its class that overrides the advised methods and nothing else, so
``isinstance``, slots and calls from inside the object work; an object without matching advice is left alone.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from service_core.aop._advice import ADVICE, Advice, Kind
from service_core.aop._invocation import AdviceMethod, Chain
from service_core.aop.stamps import order_of, stamped_methods
from service_core.errors import DeclarationException

__all__ = ["Advised", "Weaver"]


class Advised:
    """Marks the subclasses that hold advice."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Nothing: a class that keeps a list of its subclasses is not told about one that is not the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    advice: Advice
    owner: type
    method: str
    is_async: bool


class Weaver:
    """Knows the advice of one environment. Safe to use from several threads."""

    def __init__(self, classes: Iterable[type], get: Callable[[type], Any]) -> None:
        """``get`` gives the object of an advice class; it is asked when an advised method is first called."""
        self._get = get
        self._owners = frozenset(classes)
        self._entries = _entries(classes)
        self._classes: dict[type, type] = {}

    def weave(self, target: object) -> None:
        """Put the advice that there is for an object around its methods. Raises DeclarationException."""
        cls = type(target)
        if issubclass(cls, Advised) or cls in self._owners:
            return
        advised = self._classes.get(cls)
        if advised is None:
            advised = self._classes.setdefault(cls, self._advised(cls))
        if advised is not cls:
            object.__setattr__(target, "__class__", advised)  # also if the class freezes its objects

    def _advised(self, cls: type) -> type:
        overrides: dict[str, Any] = {}
        for name, function in _methods(cls).items():
            entries = [
                entry
                for entry in self._entries
                if any(pointcut.covers(cls, name, function) for pointcut in entry.advice.pointcuts)
            ]
            if entries:
                _check(entries, cls, function)
                overrides[name] = _around(function, functools.partial(self._chain, function, entries))
        if not overrides:
            return cls
        body = overrides | {
            "__slots__": (),
            "__doc__": cls.__doc__,
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
        }
        return types.new_class(
            cls.__name__, (Advised, cls), exec_body=lambda namespace: namespace.update(body)
        )

    def _chain(self, function: FunctionType, entries: Sequence[_Entry]) -> Chain:
        def of_kind(kind: Kind) -> tuple[AdviceMethod, ...]:
            found = [entry for entry in entries if entry.advice.kind == kind]
            return tuple(getattr(self._get(entry.owner), entry.method) for entry in found)

        return Chain(
            function=function,
            before=of_kind("before"),
            around=of_kind("around"),
            error=of_kind("error"),
            after=of_kind("after"),
        )


def _entries(classes: Iterable[type]) -> list[_Entry]:
    found = [
        (
            (order_of(cls), order_of(method)),
            _Entry(advice=advice, owner=cls, method=name, is_async=inspect.iscoroutinefunction(method)),
        )
        for cls in classes
        for name, (method, stamps) in stamped_methods(cls, ADVICE).items()
        for advice in stamps
    ]
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


def _methods(cls: type) -> dict[str, FunctionType]:
    members = {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}
    return {name: member for name, member in members.items() if isinstance(member, FunctionType)}


def _check(entries: Sequence[_Entry], cls: type, function: FunctionType) -> None:
    for entry in entries:
        if entry.is_async and not inspect.iscoroutinefunction(function):
            raise DeclarationException(
                f"advice {entry.owner.__name__}.{entry.method} is async, but {cls.__name__}.{function.__name__}, "
                f"which it covers, is not; write it without 'async', or narrow it with .that_are_async()"
            )


def _around(function: FunctionType, build: Callable[[], Chain]) -> Callable[..., Any]:
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
