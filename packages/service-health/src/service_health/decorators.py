"""``@health_checks`` and ``@health_check`` attach settings to classes and methods; they create nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any, Final, TypeVar, overload

from service_core import DeclarationException
from service_core.markers import stamp, stamped_methods
from service_health.settings import DEFAULT_CHECK_TIMEOUT, CheckSettings, Group, checked

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_CLASS: Final = "__service_health_checks__"
_METHOD: Final = "__service_health_check__"


@overload
def health_checks(cls: C, /) -> C: ...
@overload
def health_checks() -> Callable[[C], C]: ...
def health_checks(cls: C | None = None, /) -> C | Callable[[C], C]:
    """Mark a class whose methods decorated with ``@health_check`` are checks.

    Objects of the class that a container creates are found by the ``HealthCheckManager``; pass it others with ``add``.
    Raises DeclarationException if the class has no check, two of one name, or one with a wrong signature.
    """

    def decorate(target: C) -> C:
        setattr(target, _CLASS, True)
        declared_checks(target)
        return target

    return decorate if cls is None else decorate(cls)


@overload
def health_check(method: F, /) -> F: ...
@overload
def health_check(
    name: str = "",
    cache: float = 0,
    fail_if_slower_than: float = 0,
    timeout: float = DEFAULT_CHECK_TIMEOUT,
    group: Group = "readiness",
) -> Callable[[F], F]: ...
def health_check(
    name: Any = "",
    cache: float = 0,
    fail_if_slower_than: float = 0,
    timeout: float = DEFAULT_CHECK_TIMEOUT,
    group: Group = "readiness",
) -> Any:
    """Mark a method as a check: it takes one parameter, a ``HealthCheckManager.Result``, and returns None.

    A ``def`` runs in a thread of its own, an ``async def`` on the event loop of the caller.

    Args:
        name: the name under which it reports, by default that of the method.
        cache: seconds for which a result of any status is returned again, before the check runs again.
        fail_if_slower_than: seconds after which it is an ERROR although it ended; 0 for no limit.
        timeout: seconds after which it is abandoned and an ERROR; not less than ``fail_if_slower_than``.
        group: ``"readiness"`` (can serve calls) or ``"liveness"`` (is not stuck).

    Raises DeclarationException for an invalid value.
    """
    if isinstance(name, FunctionType):
        return health_check()(name)
    settings = CheckSettings(
        name=name, cache=cache, fail_if_slower_than=fail_if_slower_than, timeout=timeout, group=group
    )
    if not isinstance(name, str):
        checked(settings, getattr(name, "__qualname__", "@health_check"))

    def decorate(function: F) -> F:
        _stamp(function, settings)
        return function

    return decorate


def _stamp(function: Callable[..., Any], settings: CheckSettings) -> None:
    where = getattr(function, "__qualname__", repr(function))
    if not isinstance(function, FunctionType):
        raise DeclarationException(f"{where}: @health_check() belongs on a method, directly above its def")
    named = replace(settings, name=settings.name or function.__name__)
    stamp(function, _METHOD, checked(named, where))


def has_health_checks(cls: type) -> bool:
    """Whether the class, or one that it inherits from, is decorated with ``@health_checks()``."""
    return getattr(cls, _CLASS, False)


def check_marked(cls: type) -> None:
    """Raise DeclarationException if a method of the class is a check, but the class is not marked."""
    if not has_health_checks(cls):
        for name in stamped_methods(cls, _METHOD):
            raise DeclarationException(
                f"{cls.__qualname__}.{name} has @health_check, but its class has no @health_checks; decorate "
                f"{cls.__name__} with @health_checks"
            )


def declared_checks(cls: type) -> dict[str, CheckSettings]:
    """The checks of a class by method. Raises DeclarationException.

    A method that overrides a check is one too, with the same settings unless it is decorated again.
    """
    if not has_health_checks(cls):
        raise DeclarationException(f"{cls.__qualname__} is not decorated with @health_checks()")
    checks: dict[str, CheckSettings] = {}
    method_of: dict[str, str] = {}
    for method, (function, stamps) in stamped_methods(cls, _METHOD).items():
        where = f"{cls.__qualname__}.{method}"
        check_signature(function, where, is_method=True)
        settings: CheckSettings = stamps[-1]
        other = method_of.setdefault(settings.name, method)
        if other != method:
            raise DeclarationException(
                f"{where}: the name '{settings.name}' is taken by {cls.__qualname__}.{other}; "
                f"give one of them another name with @health_check(name=...)"
            )
        checks[method] = settings
    if not checks:
        raise DeclarationException(
            f"{cls.__qualname__} has no check; decorate a method with @health_check(), or remove @health_checks()"
        )
    return checks


def check_signature(function: Callable[..., Any], where: str, *, is_method: bool = False) -> None:
    """Raise DeclarationException unless the function takes one positional argument, ``self`` not counted."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    if is_method:
        parameters = parameters[1:]
    if len(parameters) == 1 and parameters[0].kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    besides = " besides self" if is_method else ""
    raise DeclarationException(
        f"{where}: a check takes one parameter{besides}, 'result: HealthCheckManager.Result'; "
        f"this one takes {inspect.Signature(bare)}"
    )
