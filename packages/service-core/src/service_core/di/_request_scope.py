"""The scope of one served call."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from service_core.di._container import end

if TYPE_CHECKING:
    from dishka import Container

__all__ = ["RequestScope", "request_scopes"]


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


request_scopes: Final[ContextVar[Mapping[object, RequestScope]]] = ContextVar(
    "service_request_scopes",
    default=MappingProxyType({}),
)
"""The request scope of the current call, by environment."""
