"""The decorators of interfaces, components and channels.

Each stamps the class or adds it to a catalog and returns it as it was, so type checkers and readers see plain
classes. Wrong declarations raise DeclarationException at the place where they are made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, overload

from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import ANONYMOUS, FORWARD_TOKEN, IDEMPOTENT, POLICY, RAISES
from service_core.declaring.interfaces import Component, Service
from service_core.declaring.names import shown
from service_core.declaring.policy import CHANNEL_FIELDS, Policy
from service_core.errors import DeclarationException

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D", bound=Callable[..., Any])  # a class is callable too

_HEALTH: Final = "__service_health__"


@overload
def service(cls: C, /) -> C: ...
@overload
def service(name: str = "", description: str = "", *, catalog: Catalog = default_catalog) -> Callable[[C], C]: ...
def service(name: Any = "", description: str = "", *, catalog: Catalog = default_catalog) -> Any:
    """Declare a service interface; without ``name`` it is the class name in kebab case.

    The name must be a DNS label and free. Every public method needs full type hints.
    """
    if isinstance(name, type):
        return service(catalog=catalog)(name)
    _expect_name(name, "service")

    def declare(cls: C) -> C:
        _expect_subclass(cls, Service, "service")
        catalog.add_service(cls, name, description)
        return cls

    return declare


@overload
def component(cls: C, /) -> C: ...
@overload
def component(
    name: str = "",
    description: str = "",
    services: Sequence[type] = (),
    *,
    forward_token: bool = False,
    catalog: Catalog = default_catalog,
) -> Callable[[C], C]: ...
def component(
    name: Any = "",
    description: str = "",
    services: Sequence[type] = (),
    *,
    forward_token: bool = False,
    catalog: Catalog = default_catalog,
) -> Any:
    """Declare a component interface and the services that it bundles; a service belongs to one component.

    ``forward_token`` sends the bearer token of the calling context with every call of the component: only for a
    component that may act on behalf of the caller.
    """
    if isinstance(name, type):
        return component(catalog=catalog)(name)
    _expect_name(name, "component")
    if isinstance(services, type):
        raise DeclarationException(f"@component(services={services.__name__}): write services=[{services.__name__}]")

    def declare(cls: C) -> C:
        _expect_subclass(cls, Component, "component")
        if forward_token:
            setattr(cls, FORWARD_TOKEN, True)
        catalog.add_component(cls, services, name, description)
        return cls

    return declare


def health(path: str) -> Callable[[C], C]:
    """Give a component a health endpoint; decorates the interface or the implementation.

    The server answers there with what ``get_health`` says.
    """
    if not isinstance(path, str):
        raise DeclarationException("@health needs the path of the endpoint; write @health('/health')")
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
    travel arrives as RemoteServiceException with the name of its class and the other fields. Its status is that of
    ``code``, a ``ClassVar[ErrorCode]`` of the class, else of ``FAILED_PRECONDITION``; its message is ``str(error)``.
    """
    for error in errors:
        if inspect.isfunction(error):
            raise DeclarationException(
                f"@raises on {error.__qualname__}: name the exception classes, '@raises(NotFound)'"
            )
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise DeclarationException(f"@raises({shown(error)}): only exception classes can be declared")
        if "__dataclass_params__" in vars(error):
            from service_core.declaring.frozen_errors import allow_raising  # here, since few errors need it

            allow_raising(error)
    if not errors:
        raise DeclarationException("@raises(): name at least one exception class")

    def declare(target: D) -> D:
        setattr(target, RAISES, (*errors, *vars(target).get(RAISES, ())))
        return target

    return declare


@overload
def idempotent(method: F, /) -> F: ...
@overload
def idempotent() -> Callable[[F], F]: ...
def idempotent(method: F | None = None, /) -> F | Callable[[F], F]:
    """Declare that running the method twice has the effect of once, so that a call may be retried after it was sent."""

    def declare(target: F) -> F:
        setattr(target, IDEMPOTENT, True)
        return target

    return declare if method is None else declare(method)


@overload
def allow_anonymous(method: F, /) -> F: ...
@overload
def allow_anonymous() -> Callable[[F], F]: ...
def allow_anonymous(method: F | None = None, /) -> F | Callable[[F], F]:
    """Declare that a method may be called without a token where a server has a token verifier: a login, for example."""

    def declare(target: F) -> F:
        if isinstance(target, type):
            raise DeclarationException(f"@allow_anonymous on {target.__name__}: write it on each method that needs it")
        setattr(target, ANONYMOUS, True)
        return target

    return declare if method is None else declare(method)


def with_policy(policy: Policy) -> Callable[[D], D]:
    """Give the calls of a method or of a component a policy of their own, for example a longer timeout.

    Fields that it does not set keep the value that they have without it. A method's policy takes precedence over all
    others; a component's stands between the manager's policy for the component and that of the channel. Raises
    DeclarationException for a method's field that all calls of a channel share, such as those of ejection.
    """
    if not isinstance(policy, Policy):
        raise DeclarationException(
            f"@with_policy({shown(policy)}): give it a policy, '@with_policy(Policy(timeout=60.0))'"
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


def _expect_name(name: Any, decorator: str) -> None:
    if not isinstance(name, str):
        raise DeclarationException(
            f"@{decorator} got {getattr(name, '__name__', name)!r} as the name, which must be text; "
            f"write '@{decorator}' to use the name of the class"
        )


def _expect_subclass(cls: type, base: type, decorator: str) -> None:
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise DeclarationException(
            f"@{decorator}() on {getattr(cls, '__name__', cls)!r}: write 'class {getattr(cls, '__name__', 'X')}"
            f"({base.__name__})', it must derive from {base.__name__}"
        )
