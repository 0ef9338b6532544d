"""From a route's plan to the signature by which FastAPI documents its requests.

FastAPI sees texts and bytes and takes them as they are: the plan has read them before, once. The documentation is made
of the plan's schemas.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Final

from fastapi import Body, Header, Path, Query
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from service_core.arguments import NO_DEFAULT
from service_core.rest import NO_EXAMPLE, Parameter, Place, RoutePlan
from service_core.wire import WireType

__all__ = ["described", "signature_of"]

_PLACES: Final[dict[Place, Any]] = {
    Place.PATH: Path,
    Place.QUERY: Query,
    Place.HEADER: Header,
    Place.BODY: Body,
}


def signature_of(plan: RoutePlan) -> inspect.Signature:
    """The signature of an endpoint that takes what the plan's method takes."""
    return inspect.Signature([_parameter(parameter) for parameter in plan.parameters])


def described(wire: WireType) -> Any:
    """A type hint that FastAPI documents as what the wire carries."""
    return Annotated[Any, _Described(wire)]


class _Described:
    """Makes pydantic describe a type of the wire, for any annotation."""

    def __init__(self, wire: WireType) -> None:
        self._wire = wire

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # Wrapped, since the handler leaves out what the outermost schema says about itself.
        return handler(core_schema.definitions_schema(self._wire.core_schema, []))


def _parameter(parameter: Parameter) -> inspect.Parameter:
    said: dict[str, Any] = {}
    if parameter.marker.description:
        said["description"] = parameter.marker.description
    if parameter.marker.example is not NO_EXAMPLE:
        said["examples"] = [parameter.marker.example]
    if parameter.place is not Place.BODY:
        said["alias"] = parameter.name
    is_optional = parameter.default is not NO_DEFAULT and parameter.place is not Place.PATH
    texts = list[str] if parameter.is_list else str
    return inspect.Parameter(
        parameter.python_name,
        inspect.Parameter.KEYWORD_ONLY,
        default=parameter.default if is_optional else inspect.Parameter.empty,
        annotation=Annotated[
            Any if parameter.place is Place.BODY else texts,
            _Described(parameter.wire),
            _PLACES[parameter.place](**said),
        ],
    )
