"""The refusal of routes for methods whose result or argument is a stream."""

from __future__ import annotations

from service_core.declaring.descriptors import MethodDescriptor
from service_core.errors import DeclarationException

__all__ = ["refuse_streams"]


def refuse_streams(method: MethodDescriptor) -> None:
    """Raise DeclarationException for a method with streams: they travel over the dispatch channels only."""
    if method.has_streams:
        raise DeclarationException(
            f"{method.where}: a method with streams has no route, since they travel over dispatch-json and "
            f"dispatch-msgpack; remove the decorator of the route"
        )
