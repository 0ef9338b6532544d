"""The codec of a route: everything about a method's requests that does not depend on the arguments, built once.

The client writes requests by it and reads answers, the server reads requests by it and writes answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic_core import from_json

from service_core.arguments import NOT_GIVEN, Arguments
from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor, ServiceDescriptor
from service_core.errors import ArgumentException, DeclarationException
from service_core.rest.markers import Location
from service_core.rest.parameters import RestParameter, location_of
from service_core.rest.request import RequestParts, RestRequest
from service_core.rest.sent_arguments import NONE_SENT, SentArguments, items_entry, sent_entry
from service_core.rest.streams.rules import check_streams, item_type
from service_core.rest.template import PathTemplate
from service_core.rest.verbs import Prefix, Route, prefix_of
from service_core.wire import MalformedData, MethodCodec, ResultType, read_json

_WITHOUT_BODY: Final = (204, 205)
_MOST_SENT: Final = 16
"""How many headers of a method are kept with what they mean; callers use few."""
_LONGEST_SENT: Final = 4000


class RouteCodec:
    """How one method travels as a plain HTTP request. Immutable, shared by threads."""

    __slots__ = (
        "_items_entry",
        "_sent",
        "body",
        "call",
        "component",
        "input_items",
        "items",
        "method",
        "parameters",
        "prefix",
        "result",
        "route",
        "service",
        "status",
        "template",
    )

    def __init__(
        self, component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor, route: Route
    ) -> None:
        """Plan it. Raises DeclarationException if the route contradicts the method."""
        check_streams(method, route)
        self.call = MethodCodec(component, service, method)
        """Its name, and the errors that it declares."""
        self.component = component
        self.service = service
        self.method = method
        self.route = route
        self.prefix: Prefix = prefix_of(service.type)
        self.template = PathTemplate(_join(self.prefix.path, route.path), method.where)
        self.parameters = _parameters(method, route.verb, self.template)
        """In the order of the method's, without the one that is a stream."""
        self.body = next((one for one in self.parameters if one.location is Location.BODY), None)
        self._sent: dict[str, SentArguments] = {}
        self.items = item_type(method.stream, method.where)
        """The type of an item of the result, None if that is no stream."""
        self.input_items = item_type(method.input_stream, method.where)
        """The type of an item of the body, None if that is no stream."""
        self._items_entry = items_entry(self.input_items)
        whole = method.result if method.stream is None else None
        self.result = ResultType(whole, f"{method.where}: result", by_alias=True)
        self.status = route.status or (204 if method.result is NoneType else 200)
        """The HTTP status of a success."""
        if not self.has_result and method.result is not NoneType:
            raise DeclarationException(
                f"{method.where}: an answer with status {self.status} has no body, but the method returns "
                f"{method.result!r}; let it return None, or take another status"
            )

    @property
    def verb(self) -> str:
        """The HTTP method."""
        return self.route.verb

    @property
    def has_result(self) -> bool:
        """Whether a success is answered with a body."""
        return self.status not in _WITHOUT_BODY

    def write(self, arguments: Arguments) -> RestRequest:
        """A call with the arguments that are given.

        Raises ArgumentException if one does not fit its type or its place.
        """
        parts = RequestParts()
        missing = len(self.parameters) - len(arguments)
        for parameter, value in zip(self.parameters, arguments + (NOT_GIVEN,) * missing, strict=True):
            if value is not NOT_GIVEN:
                parts.entries.append(sent_entry(parameter, is_absent=not parts.add(parameter, value)))
            elif parameter.location is Location.PATH:
                parts.add(parameter, parameter.own_default)  # only to fill the place
        if self._items_entry:
            parts.entries.append(self._items_entry)
        try:
            expanded = self.template.expand(parts.path)
        except ValueError as error:
            raise ArgumentException(f"{self.method.where}: {error}; send it in the query") from error
        query = urlencode(parts.query, quote_via=quote, safe="")
        return RestRequest(
            verb=self.verb,
            target=f"{expanded}?{query}" if query else expanded,
            path=expanded,
            headers=parts.headers,
            body=parts.body,
            arguments=",".join(parts.entries) or NONE_SENT,
        )

    def sent(self, header: str) -> SentArguments:
        """What the header of a client of ours lists. Raises ContractMismatchException."""
        known = self._sent.get(header)
        if known is None:
            known = SentArguments.read(header, self.parameters, self.call.arguments, self.input_items)
            if len(self._sent) < _MOST_SENT and len(header) < _LONGEST_SENT:
                self._sent[header] = known
        return known

    def write_result(self, result: Any) -> bytes:
        """The body of a success. Raises ArgumentException if the result does not fit its type."""
        written = self.result.to_json(result)
        return written if self.has_result else b""

    def write_input(self, items: Iterable[Any]) -> bytes:
        """Items of the body that is a stream, in a line each. Raises ArgumentException if one does not fit its type."""
        if self.input_items is None:
            raise AssertionError(f"{self.method.where} has no stream as a parameter")
        return b"".join([self.input_items.to_json(item) + b"\n" for item in items])

    def can_read(self, content_type: str) -> bool:
        """Whether a result may come in that type: in JSON, or as plain text, as other servers send texts."""
        media_type = media_type_of(content_type)
        return is_json(media_type) or media_type == "text/plain"

    def read_result(self, content_type: str, content: bytes) -> Any:
        """The result from the body of a success, of a type that can be read. Raises MalformedData, ArgumentException.

        The result of a method that returns None is not read.
        """
        if not content:
            return self._nothing()
        if self.method.result is NoneType:
            return None
        if is_json(media_type_of(content_type)):
            return read_json(self.result, content)
        return self.result.from_plain(content.decode(errors="replace"))

    def read_data(self, content_type: str, content: bytes) -> Any:
        """The body of a success as plain data, for any type."""
        if not content or not is_json(media_type_of(content_type)):
            return content.decode(errors="replace")
        return from_json(content)

    def _nothing(self) -> Any:
        try:
            return self.result.from_json(b"null")
        except ArgumentException:
            raise MalformedData("the answer is empty") from None

    def __repr__(self) -> str:
        return f"<{self.verb} {self.template.text} of {self.method.where}>"


def media_type_of(content_type: str) -> str:
    """A content type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    """Whether a content type, without parameters and in lower case, is one of JSON."""
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _join(prefix: str, path: str) -> str:
    return f"{prefix.rstrip('/')}{path}" or "/"


def _parameters(method: MethodDescriptor, verb: str, template: PathTemplate) -> tuple[RestParameter, ...]:
    parameters = []
    for descriptor in method.sent_parameters:
        location, marker = location_of(descriptor, verb, template.names, method.where)
        parameters.append(RestParameter(descriptor, location, marker, method.where))
    known = [parameter.name for parameter in parameters if parameter.location is Location.PATH]
    missing = [name for name in template.names if name not in known]
    if missing:
        raise DeclarationException(
            f"{method.where}: path '{template.text}' names '{missing[0]}', which is not a parameter of the method; add "
            f"it to the method, or take it out of the path"
        )
    _refuse_duplicates(parameters, method)
    return tuple(parameters)


def _refuse_duplicates(parameters: Sequence[RestParameter], method: MethodDescriptor) -> None:
    where, stream = method.where, method.input_stream
    bodies = [parameter.python_name for parameter in parameters if parameter.location is Location.BODY]
    bodies += [] if stream is None else [stream.parameter]
    if len(bodies) > 1:
        raise DeclarationException(
            f"{where}: two bodies, parameters '{bodies[0]}' and '{bodies[1]}'; put both into one dataclass, or send "
            f"one elsewhere, as QueryParam()"
        )
    seen: dict[tuple[Location, str], str] = {}
    for parameter in parameters:
        other = seen.setdefault((parameter.location, parameter.name), parameter.python_name)
        if other != parameter.python_name:
            raise DeclarationException(
                f"{where}: parameters '{other}' and '{parameter.python_name}' are both called '{parameter.name}' in "
                f"the {parameter.location.value}; give one another name"
            )
