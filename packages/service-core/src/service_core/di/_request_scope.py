"""The scope of one served call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from service_core.di._container import end
from service_core.di._parameters import name_of
from service_core.errors import DependencyException

if TYPE_CHECKING:
    from dishka import Container


class RequestScope:
    """The objects of one served call."""

    __slots__ = ("container", "is_closed")

    def __init__(self, container: Container) -> None:
        self.container = container
        self.is_closed = False

    def close(self) -> None:
        """End the objects, the latest first. Raises the error of one afterwards; an ExceptionGroup of several."""
        self.is_closed = True
        end(self.container)


_scopes: Final[ContextVar[Mapping[object, RequestScope]]] = ContextVar(
    "service_request_scopes",
    default=MappingProxyType({}),
)
"""The request scope of the current call, by environment."""


def current_scope(environment: object, kind: Any) -> RequestScope:
    """The scope of the current call, for an object of a type. Raises DependencyException outside of calls."""
    scope = _open_scope(environment)
    if scope is None:
        raise DependencyException(
            f"{name_of(kind)} has scope 'request', so there is one for each call that is served, and none outside "
            f"of calls; use it inside of a method that is called, or in a block of environment.request()"
        )
    return scope


def _open_scope(environment: object) -> RequestScope | None:
    scope = _scopes.get().get(environment)
    return None if scope is None or scope.is_closed else scope


@contextmanager
def request_scope(environment: object, make_container: Callable[[], Container]) -> Iterator[None]:
    """The scope of one served call; within another one it is that one that counts."""
    if _open_scope(environment) is not None:
        yield
        return
    scope = RequestScope(make_container())
    token = _scopes.set({**_scopes.get(), environment: scope})
    try:
        yield
    finally:
        _scopes.reset(token)
        scope.close()
