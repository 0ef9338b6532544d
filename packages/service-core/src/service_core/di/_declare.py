"""The decorators of modules, injectable classes and their hooks. They only set markers and add to the catalog.

Each works with and without parentheses where all its arguments are optional.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from service_core.declaring.catalog import Catalog, Injectable, Scope, default_catalog
from service_core.di._binding import CREATE, HOOK, FindArguments, Phase
from service_core.di._bindings import MODULE
from service_core.errors import DeclarationException
from service_core.markers import stamp

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@overload
def module(cls: C, /) -> C: ...
@overload
def module(*, imports: Sequence[type] = ()) -> Callable[[C], C]: ...
def module(cls: C | None = None, /, *, imports: Sequence[type] = ()) -> C | Callable[[C], C]:
    """Declare a module: a class whose ``@create`` methods create objects, and whose package is scanned.

    ``imports`` are other modules, all of whose objects belong to the environment as well.
    """

    def decorate(target: C) -> C:
        setattr(target, MODULE, tuple(imports))
        return target

    return decorate if cls is None else decorate(cls)


@overload
def create(method: F, /) -> F: ...
@overload
def create(*, scope: Scope = "singleton", eager: bool = True) -> Callable[[F], F]: ...
def create(method: F | None = None, /, *, scope: Scope = "singleton", eager: bool = True) -> F | Callable[[F], F]:
    """Let a method of a module create the object of its return type; its parameters are injected.

    It replaces an injectable class of the same type. A generator yields the object, and the code after the
    ``yield`` is run at its end.
    """

    def decorate(target: F) -> F:
        stamp(target, CREATE, Injectable(scope=scope, eager=eager))
        return target

    return decorate if method is None else decorate(method)


@overload
def injectable(cls: C, /) -> C: ...
@overload
def injectable(
    *, scope: Scope = "singleton", eager: bool = True, catalog: Catalog | None = None
) -> Callable[[C], C]: ...
def injectable(
    cls: C | None = None, /, *, scope: Scope = "singleton", eager: bool = True, catalog: Catalog | None = None
) -> C | Callable[[C], C]:
    """Let containers create objects of the class; its constructor's parameters are injected by their types.

    A parameter with a default keeps it if nothing provides its type. With scope "request" there is one object for
    each served call; it is ended with the call.
    """

    def decorate(target: C) -> C:
        declared = Injectable(scope=scope, eager=eager)
        (default_catalog if catalog is None else catalog).add_injectable(target, declared)
        return target

    return decorate if cls is None else decorate(cls)


@overload
def inject(method: F, /) -> F: ...
@overload
def inject() -> Callable[[F], F]: ...
def inject(method: F | None = None, /) -> F | Callable[[F], F]:
    """Call the method with objects of its parameters' types when its object has been constructed."""
    return _hook("inject", method)


inject_environment = inject
"""The same as :func:`inject`, for a method whose only parameter is the environment."""


def injection(find_arguments: FindArguments) -> Callable[[F], F]:
    """Call the method with the arguments that a function finds when its object has been constructed.

    The function gets the environment and the types of the parameters, and returns an argument for each.
    """
    return _hook("inject", None, find_arguments)


@overload
def on_init(method: F, /) -> F: ...
@overload
def on_init() -> Callable[[F], F]: ...
def on_init(method: F | None = None, /) -> F | Callable[[F], F]:
    """Call the method when everything is injected and advice is active; its parameters are injected."""
    return _hook("init", method)


@overload
def on_running(method: F, /) -> F: ...
@overload
def on_running() -> Callable[[F], F]: ...
def on_running(method: F | None = None, /) -> F | Callable[[F], F]:
    """Call the method when the whole environment has started; its parameters are injected.

    For an object that is created later, it is called when that is ready.
    """
    return _hook("running", method)


@overload
def on_destroy(method: F, /) -> F: ...
@overload
def on_destroy() -> Callable[[F], F]: ...
def on_destroy(method: F | None = None, /) -> F | Callable[[F], F]:
    """Call the method when the environment is destroyed; its parameters are injected when the object is created.

    For an object of scope "request" it is called at the end of the call.
    """
    return _hook("destroy", method)


@overload
def _hook(phase: Phase, method: None, find: FindArguments | None = None) -> Callable[[F], F]: ...
@overload
def _hook(phase: Phase, method: F | None, find: FindArguments | None = None) -> F | Callable[[F], F]: ...
def _hook(phase: Phase, method: F | None, find: FindArguments | None = None) -> F | Callable[[F], F]:
    def decorate(target: F) -> F:
        if inspect.iscoroutinefunction(target):
            raise DeclarationException(
                f"{target.__qualname__} is called by the container, which does not await; "
                f"write 'def {target.__name__}' without 'async'"
            )
        stamp(target, HOOK, (phase, find))
        return target

    return decorate if method is None else decorate(method)
