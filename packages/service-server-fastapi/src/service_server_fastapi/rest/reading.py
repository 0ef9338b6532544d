"""The arguments of a REST request, decoded by the codec of its route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from starlette.types import Scope

from service_core import ArgumentException
from service_core.arguments import NO_DEFAULT, NOT_GIVEN, Arguments, without_end
from service_core.rest import SENT_ARGUMENTS, Location, RestParameter, RouteCodec, SentArguments, differing
from service_core.wire import JSON, MalformedData, WireType, check_value, read_json

Wrong: TypeAlias = dict[str, Any]
"""A wrong place in a request: ``{loc, msg, type}``."""

_SENT_ARGUMENTS: Final = SENT_ARGUMENTS.encode()


def lists_arguments(scope: Scope) -> bool:
    """Whether the caller is a client of ours, which lists its arguments."""
    return any(name == _SENT_ARGUMENTS for name, _ in scope["headers"])


class WrongArguments(Exception):
    """Arguments that are missing or do not fit, each as a place in the request."""

    def __init__(self, locations: list[Wrong]) -> None:
        super().__init__()
        self.locations = locations


def read_arguments(route_codec: RouteCodec, path: Mapping[str, str], scope: Scope, body: bytes) -> Arguments:
    """The arguments that the caller gives.

    Raises WrongArguments, and ContractMismatchException if the caller has a different interface.
    """
    sent = _sent(route_codec, scope)
    query: dict[str, list[str]] = {}
    if scope["query_string"]:
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            query.setdefault(name, []).append(value)
    arguments: list[Any] = []
    wrong: list[Wrong] = []
    for parameter in route_codec.parameters:
        given = body or None if parameter.location is Location.BODY else _given(parameter, path, query, scope)
        try:
            arguments.append(_value(parameter, given) if sent is None else _listed(route_codec, parameter, given, sent))
        except MalformedData as error:
            wrong.append({"loc": [parameter.location.value], "msg": str(error), "type": "json_invalid"})
        except ArgumentException as error:
            wrong += _located(parameter, error)
    if wrong:
        wrong.sort(key=lambda one: _ORDER.index(one["loc"][0]))
        raise WrongArguments(wrong)
    return without_end(tuple(arguments))


def item_type(route_codec: RouteCodec, scope: Scope) -> WireType | None:
    """The type of an item of the body for this caller, None if the body is no stream."""
    sent = None if route_codec.input_items is None else _sent(route_codec, scope)
    return route_codec.input_items if sent is None else sent.body or route_codec.input_items


def _sent(route_codec: RouteCodec, scope: Scope) -> SentArguments | None:
    header = next((value for name, value in scope["headers"] if name == _SENT_ARGUMENTS), None)
    return None if header is None else route_codec.sent(header.decode("latin-1"))


_ORDER: Final = [location.value for location in (Location.PATH, Location.QUERY, Location.HEADER, Location.BODY)]


def _value(parameter: RestParameter, given: Any) -> Any:
    """The argument of a caller that does not list its arguments. Raises MalformedData, ArgumentException."""
    if given is not None:
        return _read(parameter, given)
    if parameter.is_optional:
        return NOT_GIVEN
    if parameter.default is not NO_DEFAULT:
        return parameter.default
    raise ArgumentException(
        "an argument is missing", details=[{"loc": [parameter.name], "msg": "Field required", "type": "missing"}]
    )


def _listed(route_codec: RouteCodec, parameter: RestParameter, given: Any, sent: SentArguments) -> Any:
    """The argument of a caller that lists its arguments. Raises ContractMismatchException, ArgumentException."""
    if parameter.python_name in sent.absent:
        try:
            return parameter.read_absent()
        except ArgumentException:
            raise differing(route_codec.call.arguments, parameter.python_name, "cannot be None or empty here") from None
    if parameter.python_name not in sent.present:
        return NOT_GIVEN
    if given is None:
        raise differing(
            route_codec.call.arguments, parameter.python_name, f"is expected in the {parameter.location.value} here"
        )
    if parameter.location is Location.BODY and sent.body is not None:
        with route_codec.call.arguments.comparing_fields():
            return _read_body(sent.body, given)
    return _read(parameter, given)


def _read(parameter: RestParameter, given: Any) -> Any:
    return _read_body(parameter.wire, given) if parameter.location is Location.BODY else parameter.read(given)


def _read_body(wire: WireType, body: bytes) -> Any:
    check_value(JSON, wire, body)
    return read_json(wire, body)


def _located(parameter: RestParameter, error: ArgumentException) -> list[Wrong]:
    """The wrong places, which begin with the parameter's name, as places in the request."""
    locations = error.details or [{"loc": [parameter.name], "msg": error.message, "type": "value_error"}]
    first = (
        [parameter.location.value]
        if parameter.location is Location.BODY
        else [parameter.location.value, parameter.name]
    )
    return [{**location, "loc": [*first, *location["loc"][1:]]} for location in locations]


def _given(
    parameter: RestParameter, path: Mapping[str, str], query: Mapping[str, list[str]], scope: Scope
) -> str | list[str] | None:
    """The text of an argument, the texts of a list; None if there is none."""
    if parameter.location is Location.PATH:
        return path[parameter.name]
    if parameter.location is Location.QUERY:
        texts = query.get(parameter.name)
        return texts if texts is None or parameter.is_list else texts[-1]
    if parameter.location is Location.HEADER:
        name = parameter.name.encode()
        return next((value.decode("latin-1") for known, value in scope["headers"] if known == name), None)
    return None
