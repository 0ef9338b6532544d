"""From a route's codec to the signature by which FastAPI documents its requests.

FastAPI sees texts and bytes and takes them as they are: the route codec has read them before, once. The documentation
is made of the codec's schemas.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Final

from fastapi import Body, Header, Path, Query
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from service_core.arguments import NO_DEFAULT
from service_core.rest import NO_EXAMPLE, Location, RestParameter, RouteCodec
from service_core.wire import WireType

_LOCATIONS: Final[dict[Location, Any]] = {
    Location.PATH: Path,
    Location.QUERY: Query,
    Location.HEADER: Header,
    Location.BODY: Body,
}


def signature_of(route_codec: RouteCodec) -> inspect.Signature:
    """The signature of an endpoint that takes what the method takes."""
    return inspect.Signature([_parameter(parameter) for parameter in route_codec.parameters])


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


def _parameter(parameter: RestParameter) -> inspect.Parameter:
    texts_given: dict[str, Any] = {}
    if parameter.marker.description:
        texts_given["description"] = parameter.marker.description
    if parameter.marker.example is not NO_EXAMPLE:
        texts_given["examples"] = [parameter.marker.example]
    if parameter.location is not Location.BODY:
        texts_given["alias"] = parameter.name
    is_optional = parameter.default is not NO_DEFAULT and parameter.location is not Location.PATH
    texts = list[str] if parameter.is_list else str
    return inspect.Parameter(
        parameter.python_name,
        inspect.Parameter.KEYWORD_ONLY,
        default=parameter.default if is_optional else inspect.Parameter.empty,
        annotation=Annotated[
            Any if parameter.location is Location.BODY else texts,
            _Described(parameter.wire),
            _LOCATIONS[parameter.location](**texts_given),
        ],
    )
