"""Verbs: decorators that give a method its HTTP method and path.

They mark the method, or the class, and return it unchanged; the route is built on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict, TypeVar, Unpack, overload

from service_core.declaring.descriptors import IDEMPOTENT, ROUTE
from service_core.errors import DeclarationException

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_PREFIX: Final = "__service_route_prefix__"


class RouteDetails(TypedDict, total=False):
    """The options of a verb besides the path."""

    status: int
    """The HTTP status of a success: by default 200, or 204, which has no body, for a method that returns None."""
    summary: str
    """One line for the documentation, by default the first one of the docstring."""
    description: str
    """More lines, by default those of the docstring that follow."""
    tags: Sequence[str]
    """The groups in the documentation, by default the name of the service."""
    examples: Sequence[Any]
    """Results that the documentation shows, as JSON-like data."""
    deprecated: bool
    """Whether the documentation warns of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The verb of a method."""

    verb: str
    path: str
    status: int | None = None
    summary: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    examples: Sequence[Any] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The ``@rest`` of a service."""

    path: str = ""
    tags: Sequence[str] = ()


@overload
def rest(cls: C, /) -> C: ...
@overload
def rest(prefix: str = "", *, tags: Sequence[str] = ()) -> Callable[[C], C]: ...
def rest(prefix: Any = "", *, tags: Sequence[str] = ()) -> Any:
    """Put ``prefix`` in front of the paths of a service, and group its methods under ``tags`` in the documentation."""
    if isinstance(prefix, type):
        return rest()(prefix)
    if not isinstance(prefix, str):
        raise DeclarationException(f"@rest({prefix!r}): write '@rest(\"/prefix\")'")
    _check_path(f'@rest("{prefix}")', prefix)

    def declare(cls: C) -> C:
        setattr(cls, _PREFIX, Prefix(path=prefix, tags=tuple(tags)))
        return cls

    return declare


def get(path: str, **details: Unpack[RouteDetails]) -> Callable[[F], F]:
    """Call the method by GET: it only reads, and may be called again."""
    return _verb("get", path, details, idempotent=True)


def put(path: str, **details: Unpack[RouteDetails]) -> Callable[[F], F]:
    """Call the method by PUT: it stores something under its path, and may be called again."""
    return _verb("put", path, details, idempotent=True)


def delete(path: str, **details: Unpack[RouteDetails]) -> Callable[[F], F]:
    """Call the method by DELETE: it takes something away, and may be called again."""
    return _verb("delete", path, details, idempotent=True)


def post(path: str, **details: Unpack[RouteDetails]) -> Callable[[F], F]:
    """Call the method by POST. It is not called again unless it is declared ``@idempotent``."""
    return _verb("post", path, details, idempotent=False)


def patch(path: str, **details: Unpack[RouteDetails]) -> Callable[[F], F]:
    """Call the method by PATCH. It is not called again unless it is declared ``@idempotent``."""
    return _verb("patch", path, details, idempotent=False)


def route_of(method: Callable[..., Any]) -> Route | None:
    """The verb of a method, None if it has none."""
    route: Route | None = getattr(method, ROUTE, None)
    return route


def prefix_of(interface: type) -> Prefix:
    """The ``@rest`` of a service."""
    prefix: Prefix = getattr(interface, _PREFIX, Prefix())
    return prefix


def _verb(verb: str, path: str, details: RouteDetails, *, idempotent: bool) -> Callable[[F], F]:
    if not isinstance(path, str):
        raise DeclarationException(f"@{verb} on {getattr(path, '__name__', path)}: write '@{verb}(\"/path\")'")
    where = f'@{verb}("{path}")'
    _check_path(where, path)
    route = Route(verb=verb.upper(), path=path, **details)
    if route.status is not None and not 200 <= route.status <= 299:
        raise DeclarationException(f"{where}: status {route.status} is not one of a success, 200 to 299")

    def declare(method: F) -> F:
        other = route_of(method)
        if other is not None:
            raise DeclarationException(
                f"{method.__qualname__}: it has a route already, {other.verb} {other.path}; "
                f"write a second method for {where}"
            )
        setattr(method, ROUTE, route)
        if idempotent:
            setattr(method, IDEMPOTENT, True)
        return method

    return declare


def _check_path(where: str, path: str) -> None:
    if path and not path.startswith("/"):
        raise DeclarationException(f"{where}: a path starts with '/'; write '/{path}'")
