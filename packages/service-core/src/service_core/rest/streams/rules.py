"""Which streams have routes, and the types of their items."""

from __future__ import annotations

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.signatures.streams import StreamDescriptor
from service_core.errors import DeclarationException
from service_core.rest.verbs import Route
from service_core.wire import ResultType, WireType

_WITH_BODY = ("POST", "PUT", "PATCH")


def check_streams(method: MethodDescriptor, route: Route) -> None:
    """Raise DeclarationException for streams that do not fit the route: both ways at once, or in a GET or DELETE."""
    given = method.input_stream
    if given is None:
        return
    if method.stream is not None:
        raise DeclarationException(
            f"{method.where}: streams both ways at once have no route, since HTTP programs send a request before they "
            f"read its response; remove the decorator of the route, and call the method over dispatch-json or "
            f"dispatch-msgpack"
        )
    if route.verb not in _WITH_BODY:
        raise DeclarationException(
            f"{method.where}: parameter '{given.parameter}' is a stream, which is the body of a request, but "
            f"{route.verb} has none; write '@post(\"{route.path}\")'"
        )


def item_type(stream: StreamDescriptor | None, where: str) -> WireType | None:
    """The type of one item, None for what is no stream. Raises DeclarationException if it cannot be validated."""
    if stream is None:
        return None
    what = f"parameter '{stream.parameter}'" if stream.parameter else "result"
    kind = WireType if stream.parameter else ResultType
    return kind(stream.item, f"{where}: item of {what}", by_alias=True)
