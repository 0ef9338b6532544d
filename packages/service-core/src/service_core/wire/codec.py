"""Codecs: a call and its outcome as bytes.

The envelope is that of aspyx-service: ``{"method": "component:service:method", "args": [...]}`` is answered by
``{"result": ..., "exception": ...}``. Unknown keys are ignored, so that either side may say more one day.

Reading is done in two steps on the server, since only the name tells of which types the arguments are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service_core.wire.errors import WireError
from service_core.wire.method_codec import MethodCodec

__all__ = [
    "MAX_DEPTH",
    "Arguments",
    "Codec",
    "MalformedData",
    "WireRequest",
    "envelope_of_request",
    "envelope_of_response",
]

Arguments: TypeAlias = tuple[Any, ...]
"""The arguments of a call, all of them, in the order of the parameters."""

MAX_DEPTH: Final = 200
"""How deep lists and maps may be nested; pydantic's JSON parser has the same limit."""


class MalformedData(ValueError):
    """The bytes are not what they should be: no JSON, no msgpack, no envelope. Says why, without quoting them."""


@dataclass(slots=True)
class WireRequest:
    """A request of which the method is known, and the arguments are yet to be read."""

    method: str
    """``component:service:method``."""
    arguments: Any
    """What :meth:`Codec.read_arguments` of the same codec takes."""


class Codec(ABC):
    """Writes and reads one format. Stateless and safe to use from several threads."""

    content_type: str

    @abstractmethod
    def write_request(self, plan: MethodCodec, arguments: Arguments) -> bytes:
        """A call. Raises ArgumentException if an argument does not fit its type."""

    @abstractmethod
    def read_request(self, data: bytes) -> WireRequest:
        """The envelope of a call. Raises MalformedData."""

    @abstractmethod
    def method_name(self, data: bytes) -> str:
        """The method that a request names, found without making its values; empty if it is not found."""

    @abstractmethod
    def holds_more(self, data: bytes, most: int) -> bool:
        """Whether a request holds more than ``most`` values. Makes none of them."""

    @abstractmethod
    def read_arguments(self, plan: MethodCodec, request: WireRequest) -> Arguments:
        """The arguments of a call, all of them. Raises MalformedData, ArgumentException."""

    @abstractmethod
    def write_result(self, plan: MethodCodec, result: Any) -> bytes:
        """A result. Raises ArgumentException if it does not fit its type."""

    @abstractmethod
    def write_error(self, error: WireError) -> bytes:
        """A failure."""

    @abstractmethod
    def read_response(self, plan: MethodCodec, data: bytes) -> Any:
        """The result, or the WireError that came instead. Raises MalformedData, ArgumentException."""


def envelope_of_request(data: Any) -> tuple[str, list[Any]]:
    """The method and the arguments. Raises MalformedData."""
    if not isinstance(data, dict):
        raise MalformedData("the request must be a map with 'method' and 'args'")
    method, arguments = data.get("method"), data.get("args")
    if not isinstance(method, str) or not isinstance(arguments, list):
        raise MalformedData("the request must have 'method', a string, and 'args', a list")
    return method, arguments


def envelope_of_response(data: Any) -> tuple[Any, WireError | None]:
    """The result and the failure, of which one is None. Raises MalformedData."""
    if not isinstance(data, dict) or "result" not in data or "exception" not in data:
        raise MalformedData("the answer must be a map with 'result' and 'exception'")
    failure = data["exception"]
    return data["result"], None if failure is None else WireError.from_data(failure)
