"""The decorators of implementations, and the checks of their methods against the interface."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeVar, overload

from service_core.declaring.catalog import Catalog, Scope, default_catalog
from service_core.declaring.descriptors import (
    ANONYMOUS,
    CONCURRENCY,
    IDEMPOTENT,
    POLICY,
    RAISES,
    ROUTE,
    MethodDescriptor,
)
from service_core.declaring.inspection import public_functions
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.names import shown
from service_core.errors import DeclarationException

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_OF_INTERFACES: Final = {
    ROUTE: "a route such as @get",
    ANONYMOUS: "@allow_anonymous",
    IDEMPOTENT: "@idempotent",
    POLICY: "@with_policy",
    RAISES: "@raises",
}


@overload
def implementation(cls: C, /) -> C: ...
@overload
def implementation(
    *, inline: bool = False, scope: Scope = "singleton", catalog: Catalog = default_catalog
) -> Callable[[C], C]: ...
def implementation(
    cls: C | None = None,
    /,
    *,
    inline: bool = False,
    scope: Scope = "singleton",
    catalog: Catalog = default_catalog,
) -> C | Callable[[C], C]:
    """Declare a class that implements a service or component, of which a container makes one object.

    ``inline`` lets the server run its ``def`` methods on the event loop instead of in a worker thread: only for
    methods that never wait, since all other calls stand still meanwhile. With ``scope="request"`` there is one object
    of a service's implementation for each call; it may need other objects of that scope.
    """

    def declare(target: C) -> C:
        if POLICY in vars(target):
            raise DeclarationException(
                f"@with_policy on {target.__name__}: callers know the component's interface, so write it there"
            )
        for interface in catalog.interfaces_of(target):
            check_methods(target, interface)
            if scope == "request" and not issubclass(interface, Service):
                raise DeclarationException(
                    f"@implementation(scope='request') on {target.__name__}: it implements component "
                    f"{interface.__name__}, which is started once; write @implementation()"
                )
        catalog.add_implementation(target, inline=inline, scope=scope)
        return target

    return declare if cls is None else declare(cls)


def max_concurrency(limit: int) -> Callable[[F], F]:
    """Let an implementation's method run only so many times at once in one server.

    Further calls are refused as if the server was busy, which sends them to another instance. Calls inside the same
    process are not counted.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise DeclarationException(
            f"@max_concurrency({shown(limit)}): give it a number from 1 on, '@max_concurrency(10)'"
        )

    def declare(method: F) -> F:
        setattr(method, CONCURRENCY, limit)
        return method

    return declare


def concurrency_of(method: Callable[..., Any]) -> int | None:
    """The limit that ``@max_concurrency`` gave a method, None if it has none."""
    limit: int | None = getattr(method, CONCURRENCY, None)
    return limit


def check_methods(cls: type, interface: type) -> None:
    """Raise DeclarationException if a method of an implementation differs from the one of the service or component."""
    if not issubclass(interface, Service):
        _check_life_cycle(cls)
        return
    for name, declared in public_functions(interface).items():
        method = inspect.getattr_static(cls, name)
        if method is declared:
            continue  # not implemented: Python refuses to make an object if it is abstract
        where = f"{cls.__name__}.{name}"
        if not inspect.isfunction(method):
            raise DeclarationException(f"{where} must be a method, as {interface.__name__}.{name} is")
        for stamp in [each for each in _OF_INTERFACES if each in vars(method) and each not in vars(declared)]:
            raise DeclarationException(
                f"{where}: {_OF_INTERFACES[stamp]} is for callers to know, so write it in {interface.__name__}"
            )
        if inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(declared):
            if inspect.iscoroutinefunction(method) and declared.__annotations__.get("return"):
                _check_generator(where, interface, declared)
            kind = "async def" if inspect.iscoroutinefunction(declared) else "def"
            raise DeclarationException(
                f"{where}: {interface.__name__} declares it with '{kind}', so write '{kind} {name}' here too"
            )
        _check_parameters(where, interface, declared, method)


def _check_life_cycle(cls: type) -> None:
    """Raise DeclarationException if a method of a component's implementation is ``async def`` in place of ``def``."""
    for name, declared in vars(Component).items():
        method = inspect.getattr_static(cls, name) if inspect.isfunction(declared) else declared
        if inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(declared):
            kind = "async def" if inspect.iscoroutinefunction(declared) else "def"
            raise DeclarationException(f"{cls.__name__}.{name}: write '{kind} {name}', as Component declares it")


def check_result(cls: type, declared: MethodDescriptor) -> None:
    """Raise DeclarationException if a method of an implementation yields although its result is no stream."""
    method = getattr(cls, declared.name)
    if declared.stream is None and (inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)):
        raise DeclarationException(
            f"{cls.__name__}.{declared.name} yields, but the result of {declared.where} is no stream; return the "
            f"result, or declare it as an Iterator"
        )


def _check_generator(where: str, interface: type, declared: FunctionType) -> None:
    """Refuse a coroutine that implements a method whose result is a stream."""
    result = str(declared.__annotations__["return"])
    if "Iterator" in result or "Generator" in result:
        raise DeclarationException(
            f"{where}: the result of {interface.__name__}.{declared.__name__} is a stream, so the 'async def' that "
            f"implements it yields its items; this one has no 'yield'"
        )


def _check_parameters(where: str, interface: type, declared: FunctionType, method: FunctionType) -> None:
    wanted = list(inspect.signature(declared).parameters.values())
    required = [parameter for parameter in wanted if parameter.default is parameter.empty]
    offered = inspect.signature(method)
    # Calls from elsewhere give all arguments, those in this process may leave out the ones that have a default.
    if not (_accepts(offered, wanted) and _accepts(offered, required)):
        names = [parameter.replace(annotation=parameter.empty) for parameter in wanted]
        raise DeclarationException(
            f"{where}: its parameters are not those of {interface.__name__}; write '{inspect.Signature(names)}'"
        )


def _accepts(offered: inspect.Signature, given: list[inspect.Parameter]) -> bool:
    """Whether arguments for the given parameters, ``self`` first, arrive at parameters of the same names."""
    positional = [parameter.name for parameter in given if parameter.kind is not parameter.KEYWORD_ONLY]
    keywords = {parameter.name: parameter.name for parameter in given if parameter.kind is parameter.KEYWORD_ONLY}
    try:
        received = offered.bind(*positional, **keywords).arguments
    except TypeError:
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(name == value or offered.parameters[name].kind in variadic for name, value in list(received.items())[1:])
