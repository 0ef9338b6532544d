"""The decorators of advice. They only mark methods; :mod:`service_core.aop._weaver` reads the markers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final, Literal, TypeVar, overload

from service_core.aop._pointcut import Pointcut
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.errors import DeclarationException
from service_core.markers import functions_of, stamp, stamped_methods

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

Kind = Literal["before", "around", "error", "after"]

ADVICE: Final = "__service_advice__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A method of an advice class with one of its decorators."""

    owner: type
    name: str
    function: FunctionType
    kind: Kind
    pointcuts: tuple[Pointcut, ...]

    @classmethod
    def of(cls, owner: type) -> list[Advice]:
        """All advice of an advice class."""
        return [
            cls(owner=owner, name=name, function=function, kind=kind, pointcuts=pointcuts)
            for name, (function, stamps) in stamped_methods(owner, ADVICE).items()
            for kind, pointcuts in stamps
        ]

    def covers(self, cls: type, name: str, function: Any) -> bool:
        """Whether a method of an object of exactly this class is advised."""
        return any(pointcut.covers(cls, name, function) for pointcut in self.pointcuts)

    def covers_any(self, cls: type) -> bool:
        """Whether any method of an object of this class is advised."""
        return any(self.covers(cls, name, function) for name, function in functions_of(cls).items())


@overload
def advice(cls: C, /) -> C: ...
@overload
def advice(*, catalog: Catalog | None = None) -> Callable[[C], C]: ...
def advice(cls: C | None = None, /, *, catalog: Catalog | None = None) -> C | Callable[[C], C]:
    """Declare an advice class: its decorated methods run around those of other container-made objects.

    Used as ``@advice`` or ``@advice()``. Its constructor is injected; its object is created on first
    use, once per environment, and is not advised itself.
    """

    def decorate(target: C) -> C:
        (default_catalog if catalog is None else catalog).add_advice(target)
        return target

    return decorate if cls is None else decorate(cls)


def before(*pointcuts: Pointcut) -> Callable[[F], F]:
    """Run before the methods; raising an exception keeps them from being run."""
    return _stamping("before", pointcuts)


def around(*pointcuts: Pointcut) -> Callable[[F], F]:
    """Run instead of the methods, which ``invocation.proceed()`` calls; what it returns is the result."""
    return _stamping("around", pointcuts)


def error(*pointcuts: Pointcut) -> Callable[[F], F]:
    """Run when a method has raised an Exception, ``invocation.exception``, before the caller sees it."""
    return _stamping("error", pointcuts)


def after(*pointcuts: Pointcut) -> Callable[[F], F]:
    """Run when a method has ended, with a result or an error; its result is ``invocation.result``."""
    return _stamping("after", pointcuts)


def _stamping(kind: Kind, pointcuts: tuple[Pointcut, ...]) -> Callable[[F], F]:
    if not pointcuts or not all(isinstance(pointcut, Pointcut) for pointcut in pointcuts):
        raise DeclarationException(f"@{kind} selects no methods; write for example @{kind}(methods().named('run'))")

    def decorate(method: F) -> F:
        if len(inspect.signature(method).parameters) != 2:
            raise DeclarationException(
                f"advice {method.__qualname__}: it is called with an Invocation only; "
                f"write 'def {method.__name__}(self, invocation: Invocation)'"
            )
        stamp(method, ADVICE, (kind, pointcuts))
        return method

    return decorate
