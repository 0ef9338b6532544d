"""Decorators: they say what a class or method is; what follows from it is built elsewhere.

Each stamps the class or adds it to a catalog and returns it as it was, so type checkers and readers see plain
classes. Wrong declarations raise DeclarationException at the place where they are made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Final, TypeVar

from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import ANONYMOUS, CONCURRENCY, IDEMPOTENT, POLICY, RAISES, public_functions
from service_core.declaring.frozen_errors import allow_raising
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.policy import CHANNEL_FIELDS, Policy
from service_core.errors import DeclarationException

__all__ = [
    "allow_anonymous",
    "channel",
    "component",
    "concurrency_of",
    "health",
    "health_path",
    "idempotent",
    "implementation",
    "max_concurrency",
    "raises",
    "service",
    "with_policy",
]

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D", bound=Callable[..., Any])  # a class is callable too

_HEALTH: Final = "__service_health__"

_OF_INTERFACES: Final = {
    ANONYMOUS: "@allow_anonymous",
    IDEMPOTENT: "@idempotent",
    POLICY: "@with_policy",
    RAISES: "@raises",
}


def service(name: str = "", description: str = "", *, catalog: Catalog = default_catalog) -> Callable[[C], C]:
    """Declare a service interface; without ``name`` it is the class name in kebab case.

    The name must be a DNS label and free. Every public method needs full type hints.
    """
    _expect_name(name, "service")

    def declare(cls: C) -> C:
        _expect_subclass(cls, Service, "service")
        catalog.add_service(cls, name, description)
        return cls

    return declare


def component(
    name: str = "",
    description: str = "",
    services: Sequence[type] = (),
    *,
    catalog: Catalog = default_catalog,
) -> Callable[[C], C]:
    """Declare a component interface and the services that it bundles; a service belongs to one component."""
    _expect_name(name, "component")

    def declare(cls: C) -> C:
        _expect_subclass(cls, Component, "component")
        catalog.add_component(cls, services, name, description)
        return cls

    return declare


def implementation(*, inline: bool = False, catalog: Catalog = default_catalog) -> Callable[[C], C]:
    """Declare a class that implements a service or component, of which a container makes one object.

    ``inline`` lets the server run its ``def`` methods on the event loop instead of in a worker thread: right for
    methods that never wait, and for no others, since all other calls stand still meanwhile.
    """

    def declare(cls: C) -> C:
        if POLICY in vars(cls):
            raise DeclarationException(
                f"@with_policy on {cls.__name__}: callers know the component's interface, so write it there"
            )
        for interface in catalog.interfaces_of(cls):
            if issubclass(interface, Service):
                _check_methods(cls, interface)
        catalog.add_implementation(cls, inline=inline)
        return cls

    return declare


def health(path: str) -> Callable[[C], C]:
    """Give a component a health endpoint; decorates the interface or the implementation.

    The server answers there with what ``get_health`` says.
    """
    if not path.startswith("/"):
        raise DeclarationException(f"@health({path!r}): a path starts with '/'; write @health('/{path}')")

    def declare(cls: C) -> C:
        _expect_subclass(cls, Component, "health")
        setattr(cls, _HEALTH, path)
        return cls

    return declare


def health_path(component_type: type) -> str | None:
    """The path that ``@health`` gave a component, None if it has none."""
    path: str | None = getattr(component_type, _HEALTH, None)
    return path


def channel(name: str, *, catalog: Catalog = default_catalog) -> Callable[[C], C]:
    """Declare a channel class under the name that addresses use for it."""

    def declare(cls: C) -> C:
        catalog.add_channel(name, cls)
        cls.name = name  # type: ignore[attr-defined]
        return cls

    return declare


def raises(*errors: type[Exception]) -> Callable[[D], D]:
    """Declare errors that belong to the interface: they arrive at the caller as the same class with the same fields.

    Decorates a method, or a service for all its methods; several decorators add up. The fields are those of a
    dataclass or the parameters of ``__init__``, typed and kept under the same names. An error of which a field cannot
    travel arrives as RemoteServiceException with the name of its class and the other fields.
    """
    for error in errors:
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise DeclarationException(f"@raises({error!r}): only exception classes can be declared")
        allow_raising(error)
    if not errors:
        raise DeclarationException("@raises(): name at least one exception class")

    def declare(target: D) -> D:
        setattr(target, RAISES, (*errors, *vars(target).get(RAISES, ())))
        return target

    return declare


def idempotent(method: F) -> F:
    """Declare that running the method twice does no harm, so that a call may be repeated after it was sent."""
    setattr(method, IDEMPOTENT, True)
    return method


def allow_anonymous(method: F) -> F:
    """Declare that a method may be called without a token, also where a server has a token verifier: a login, say."""
    if isinstance(method, type):
        raise DeclarationException(
            f"@allow_anonymous on {method.__name__}: say it for each method that anybody may call"
        )
    setattr(method, ANONYMOUS, True)
    return method


def max_concurrency(limit: int) -> Callable[[F], F]:
    """Let an implementation's method run only so many times at once in one server.

    Further calls are refused as if the server was busy, which sends them to another instance. Calls inside the same
    process are not counted.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise DeclarationException(
            f"@max_concurrency({_told(limit)}): give it a number from 1 on, '@max_concurrency(10)'"
        )

    def declare(method: F) -> F:
        setattr(method, CONCURRENCY, limit)
        return method

    return declare


def concurrency_of(method: Callable[..., Any]) -> int | None:
    """The limit that ``@max_concurrency`` gave a method, None if it has none."""
    limit: int | None = getattr(method, CONCURRENCY, None)
    return limit


def with_policy(policy: Policy) -> Callable[[D], D]:
    """Give the calls of a method or of a component a policy of their own, for example a longer timeout.

    Fields that it does not set keep the value that they have without it. A method's policy takes precedence over all
    others; a component's stands between the manager's policy for the component and that of the channel. Raises
    DeclarationException for a method's field that all calls of a channel share, such as those of ejection.
    """
    if not isinstance(policy, Policy):
        raise DeclarationException(
            f"@with_policy({_told(policy)}): give it a policy, '@with_policy(Policy(timeout=60.0))'"
        )

    def declare(target: D) -> D:
        kind: object = target
        if not isinstance(kind, type):
            _refuse_shared(policy, target)
        elif not issubclass(kind, Component):
            raise DeclarationException(
                f"@with_policy on {kind.__name__}: it is for methods and for the interface of a component"
            )
        setattr(target, POLICY, policy)
        return target

    return declare


def _refuse_shared(policy: Policy, method: Callable[..., Any]) -> None:
    shared = sorted(policy.settings().keys() & CHANNEL_FIELDS)
    if shared:
        raise DeclarationException(
            f"{method.__qualname__}: @with_policy sets {', '.join(shared)}, which all calls of a component share; set "
            f"it on the component's interface or with ServiceManager(policies={{TheComponent: Policy(...)}})"
        )


def _told(value: object) -> str:
    return str(getattr(value, "__name__", repr(value)))


def _expect_name(name: Any, decorator: str) -> None:
    if not isinstance(name, str):
        raise DeclarationException(
            f"@{decorator} got {getattr(name, '__name__', name)!r} as the name, which must be text; "
            f"write '@{decorator}()', with parentheses, to use the name of the class"
        )


def _expect_subclass(cls: type, base: type, decorator: str) -> None:
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise DeclarationException(
            f"@{decorator}() on {getattr(cls, '__name__', cls)!r}: write 'class {getattr(cls, '__name__', 'X')}"
            f"({base.__name__})', it must derive from {base.__name__}"
        )


def _check_methods(cls: type, interface: type) -> None:
    for name, declared in public_functions(interface).items():
        method = inspect.getattr_static(cls, name)
        if method is declared:
            continue  # not implemented: Python refuses to make an object if it is abstract
        where = f"{cls.__name__}.{name}"
        if not inspect.isfunction(method):
            raise DeclarationException(f"{where} must be a method, as {interface.__name__}.{name} is")
        for stamp in (_OF_INTERFACES.keys() & vars(method)) - vars(declared).keys():
            raise DeclarationException(
                f"{where}: {_OF_INTERFACES[stamp]} is for callers to know, so write it in {interface.__name__}"
            )
        if inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(declared):
            kind = "async def" if inspect.iscoroutinefunction(declared) else "def"
            raise DeclarationException(
                f"{where}: {interface.__name__} declares it with '{kind}', so write '{kind} {name}' here too"
            )
        _check_parameters(where, interface, declared, method)


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
        arrived = offered.bind(*positional, **keywords).arguments
    except TypeError:
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(name == value or offered.parameters[name].kind in variadic for name, value in list(arrived.items())[1:])
