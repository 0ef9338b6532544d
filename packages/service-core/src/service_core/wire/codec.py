"""Codecs: a call and its outcome as bytes.

The envelope is that of aspyx-service: ``{"method": "component:service:method", "args": [...]}`` is answered by
``{"result": ..., "exception": ...}``. Unknown members are ignored. Between the two members of a request stands a third
one, ``"names": [...]``, with the name of the parameter that each argument is for, ``null`` for an argument that the
caller does not give and whose place it only fills. Without names the arguments are taken by place. By hand one writes
``"kwargs": {...}`` instead of both. If arguments hold objects, ``"fields": [digest, defaults]`` says which fields
these have, see :mod:`service_core.wire.methods.sent_fields`; without it fields that are not known are ignored.

Reading is done in two steps on the server, since the types of the arguments are known by the method's name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from service_core.arguments import Arguments
from service_core.errors import ArgumentException
from service_core.wire.failures.wire_error import WireError
from service_core.wire.large_values.splitter import Splitter
from service_core.wire.methods.arguments import ArgumentTypes
from service_core.wire.methods.method_codec import MethodCodec
from service_core.wire.methods.sent_fields import Defaults, SentFields
from service_core.wire.methods.unexpected_result import misfit
from service_core.wire.values import WireType


class MalformedData(ValueError):
    """The bytes are not what they should be: no JSON, no msgpack, no envelope. Says why, without quoting them."""


class SentRequest(Protocol):
    """A request, as far as messages name it."""

    @property
    def where(self) -> str:
        """The called method and its address."""
        ...


@dataclass(slots=True)
class WireRequest:
    """A request whose method is known, and whose arguments are yet to be read by the codec that has read it."""

    method: str
    """``component:service:method``."""
    arguments: Any
    """A list, a map by name, or what the codec has cut out and not parsed yet."""
    names: Any = None
    """What the arguments of a list are for, as it came; None if they are taken by place."""
    fields: Any = None
    """The fields of the caller's objects, as they came; None if unknown ones are ignored."""


class Codec(ABC):
    """Writes and reads one format. Stateless and safe to use from several threads."""

    content_type: str
    parse: Callable[[bytes], Any]
    """The plain data of a text. Raises MalformedData."""
    method_name: Callable[[bytes], str]
    """The method that a request names, found without making its values; empty if it is not found."""
    holds_more: Callable[[bytes, int], bool]
    """Whether a request holds more values than a limit. Makes none of them."""
    is_dense: Callable[[bytes], bool]
    """Whether the values of a text may need more than 16 times its bytes of memory. Makes none of them."""
    memory: Callable[[bytes], int]
    """How many bytes of memory the values of a text may need. Makes none of them."""
    splitter: Callable[[bytes], Splitter]
    """What cuts a text into pieces. Raises MalformedData."""

    @abstractmethod
    def write_request(self, method_codec: MethodCodec, arguments: Arguments) -> bytes:
        """A call with the arguments that are given. Raises ArgumentException if one does not fit its type."""

    @abstractmethod
    def read_request(self, data: bytes) -> WireRequest:
        """The envelope of a call. Raises MalformedData."""

    @abstractmethod
    def read_arguments(self, method_codec: MethodCodec, request: WireRequest) -> Arguments:
        """The arguments that the caller gives.

        Raises MalformedData, ArgumentException, and ContractMismatchException if it gives others than the method takes.
        """

    def input_items(self, method_codec: MethodCodec, data: bytes) -> WireType | None:
        """The type of the items of the argument that is a stream, for the caller that has sent this request.

        None if there is no such argument. Raises MalformedData.
        """
        if method_codec.input_items is None:
            return None
        other = _other_defaults(self.read_envelope(data), method_codec)
        return method_codec.input_items if other is None else method_codec.input_items.for_caller(other)

    def read_envelope(self, data: bytes) -> WireRequest:
        """As :meth:`read_request`, with all members parsed."""
        return envelope_of_request(self.parse(data))

    @abstractmethod
    def write_result(self, method_codec: MethodCodec, result: Any) -> bytes:
        """A result. Raises ArgumentException if it does not fit its type."""

    @abstractmethod
    def write_error(self, error: WireError) -> bytes:
        """A failure."""

    @abstractmethod
    def read_response(self, method_codec: MethodCodec, data: bytes) -> Any:
        """The result, or the WireError that came instead. Raises MalformedData, ArgumentException."""

    def read_result(self, data: bytes) -> Any:
        """The result as plain data, without its type. Raises MalformedData."""
        return envelope_of_response(self.parse(data))[0]

    @abstractmethod
    def write_value(self, wire: WireType, value: Any) -> bytes:
        """A value without an envelope. Raises ArgumentException if it does not fit its type."""

    @abstractmethod
    def read_value(self, wire: WireType, data: bytes) -> Any:
        """A value without an envelope. Raises MalformedData, ArgumentException."""

    def read_answer(self, method_codec: MethodCodec, data: bytes, request: SentRequest) -> Any:
        """As :meth:`read_response`, for the caller that has sent ``request``.

        Raises MalformedData, and ContractMismatchException if a result came that does not fit its interface.
        """
        try:
            return self.read_response(method_codec, data)
        except ArgumentException as error:
            raise misfit(error, method_codec.method, self.read_result(data), where=request.where) from error


def envelope_of_request(data: Any) -> WireRequest:
    """The request in a parsed envelope. Raises MalformedData."""
    if not isinstance(data, dict):
        raise MalformedData("the request must be a map with 'method' and 'args'")
    method, names, kwargs, fields = (data.get(name) for name in ("method", "names", "kwargs", "fields"))
    if isinstance(method, str) and isinstance(kwargs, dict) and "args" not in data and names is None:
        return WireRequest(method, kwargs, None, fields)
    arguments = data.get("args")
    if not isinstance(method, str) or not isinstance(arguments, list) or kwargs is not None:
        raise MalformedData("the request must have 'method', a string, and 'args', a list, or 'kwargs', a map")
    return WireRequest(method, arguments, names, fields)


def types_for(request: WireRequest, method_codec: MethodCodec) -> ArgumentTypes:
    """The types by which the arguments of a parsed request are read. Raises MalformedData."""
    other = _other_defaults(request, method_codec)
    return method_codec.arguments if other is None else method_codec.arguments.for_caller(other)


def _other_defaults(request: WireRequest, method_codec: MethodCodec) -> Defaults | None:
    """The defaults of a caller whose objects have other fields than those here, None if they have the same."""
    if request.fields is None:
        return None
    try:
        sent = SentFields.read(request.fields)
    except ValueError as error:
        raise MalformedData(str(error)) from None
    return None if sent.digest == method_codec.digest else sent.defaults


def by_name(request: WireRequest) -> dict[str, Any]:
    """The arguments of a parsed request by the names of their parameters. Raises MalformedData."""
    names, arguments = request.names, request.arguments
    if names is not None:
        if not isinstance(names, list) or len(names) != len(arguments):
            raise MalformedData("'names' must be a list as long as 'args'")
        pairs = [pair for pair in zip(names, arguments, strict=True) if pair[0] is not None]
    else:
        pairs = list(arguments.items())
    if not all(isinstance(name, str) for name, _ in pairs):
        raise MalformedData("the names of arguments must be strings")
    given = dict(pairs)
    if len(given) != len(pairs):
        raise MalformedData("an argument is named twice")
    return given


def envelope_of_response(data: Any) -> tuple[Any, WireError | None]:
    """The result and the failure, of which one is None. Raises MalformedData."""
    if not isinstance(data, dict) or "result" not in data or "exception" not in data:
        raise MalformedData("the answer must be a map with 'result' and 'exception'")
    failure = data["exception"]
    return data["result"], None if failure is None else WireError.from_data(failure)
