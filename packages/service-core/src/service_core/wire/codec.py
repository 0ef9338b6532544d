"""Codecs: a call and its outcome as bytes.

The envelope is that of aspyx-service: ``{"method": "component:service:method", "args": [...]}`` is answered by
``{"result": ..., "exception": ...}``. Unknown keys are ignored, so that either side may say more one day.

Reading is done in two steps on the server, since only the name tells of which types the arguments are.
"""

from __future__ import annotations

import functools
import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import msgpack
from pydantic_core import from_json, to_json, to_jsonable_python

from service_core.errors import ArgumentException
from service_core.wire.failure import WireError
from service_core.wire.plan import MethodPlan
from service_core.wire.values import WireType, may_be_infinite

__all__ = ["CODECS", "JSON", "MSGPACK", "Codec", "MalformedData", "WireRequest", "read_json"]

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
    def write_request(self, plan: MethodPlan, arguments: Arguments) -> bytes:
        """A call. Raises ArgumentException if an argument does not fit its type."""

    @abstractmethod
    def read_request(self, data: bytes) -> WireRequest:
        """The envelope of a call. Raises MalformedData."""

    @abstractmethod
    def read_arguments(self, plan: MethodPlan, request: WireRequest) -> Arguments:
        """The arguments of a call, all of them. Raises ArgumentException."""

    @abstractmethod
    def write_result(self, plan: MethodPlan, result: Any) -> bytes:
        """A result. Raises ArgumentException if it does not fit its type."""

    @abstractmethod
    def write_error(self, error: WireError) -> bytes:
        """A failure."""

    @abstractmethod
    def read_response(self, plan: MethodPlan, data: bytes) -> Any:
        """The result, or the WireError that came instead. Raises MalformedData, ArgumentException."""


class _JSONCodec(Codec):
    """Most work is done by pydantic on the bytes themselves: canonical envelopes are cut, not parsed."""

    content_type = "application/json"

    _METHOD: Final = b'{"method":"'
    _ARGS: Final = b'","args":'
    _RESULT: Final = b'{"result":'
    _NO_EXCEPTION: Final = b',"exception":null}'

    def write_request(self, plan: MethodPlan, arguments: Arguments) -> bytes:
        written = plan.arguments.to_json(arguments)
        return b"".join((self._METHOD, plan.name.encode(), self._ARGS, written, b"}"))

    def read_request(self, data: bytes) -> WireRequest:
        if data.startswith(self._METHOD) and data.endswith(b"]}") and not may_be_infinite(data):
            end = data.find(self._ARGS, len(self._METHOD))
            name = data[len(self._METHOD) : end]
            if end > 0 and name.isascii() and b'"' not in name and b"\\" not in name:
                return WireRequest(name.decode(), data[end + len(self._ARGS) : -1])
        method, arguments = _envelope_of_request(self._parse(data))
        return WireRequest(method, to_json(arguments))

    def read_arguments(self, plan: MethodPlan, request: WireRequest) -> Arguments:
        try:
            return cast(Arguments, plan.arguments.from_json(request.arguments))
        except ArgumentException as error:
            if not error.details or error.details[0]["type"] != "json_invalid":
                raise
        # More than the arguments was cut out, or they are no JSON. Read with care the whole, which is known still.
        data = b"".join((self._METHOD, request.method.encode(), self._ARGS, request.arguments, b"}"))
        method, arguments = _envelope_of_request(self._parse(data))
        if method != request.method:
            raise MalformedData("the request names two methods")
        return cast(Arguments, plan.arguments.from_json(to_json(arguments)))

    def write_result(self, plan: MethodPlan, result: Any) -> bytes:
        return b"".join((self._RESULT, plan.result.to_json(result), self._NO_EXCEPTION))

    def write_error(self, error: WireError) -> bytes:
        return to_json({"result": None, "exception": error.to_dict()})

    def read_response(self, plan: MethodPlan, data: bytes) -> Any:
        if data.startswith(self._RESULT) and data.endswith(self._NO_EXCEPTION) and not may_be_infinite(data):
            with suppress(ArgumentException):  # not as canonical as it looked, or wrong: what follows says what it is
                return plan.result.from_json(data[len(self._RESULT) : -len(self._NO_EXCEPTION)])
        result, error = _envelope_of_response(self._parse(data))
        return plan.result.from_json(to_json(result)) if error is None else error

    @staticmethod
    def _parse(data: bytes) -> Any:
        try:
            return from_json(data, allow_inf_nan=False)
        except ValueError as error:
            raise MalformedData(f"not valid JSON: {error}") from None


def read_json(wire: WireType, data: bytes) -> Any:
    """A value that is all of a JSON document. Raises MalformedData, ArgumentException."""
    if may_be_infinite(data):
        data = to_json(_JSONCodec._parse(data))
    try:
        return wire.from_json(data)
    except ArgumentException as error:
        if error.details and error.details[0]["type"] == "json_invalid":
            raise MalformedData(f"not valid JSON: {error.details[0]['msg'].removeprefix('Invalid JSON: ')}") from None
        raise


class _MsgpackCodec(Codec):
    content_type = "application/msgpack"

    _RESULT: Final = b"\x82\xa6result"
    _NO_EXCEPTION: Final = b"\xa9exception\xc0"

    def write_request(self, plan: MethodPlan, arguments: Arguments) -> bytes:
        return _beginning(plan.name) + self._write(plan.arguments, arguments)

    def read_request(self, data: bytes) -> WireRequest:
        return WireRequest(*_envelope_of_request(_unpack(data)))

    def read_arguments(self, plan: MethodPlan, request: WireRequest) -> Arguments:
        return cast(Arguments, plan.arguments.from_plain(request.arguments))

    def write_result(self, plan: MethodPlan, result: Any) -> bytes:
        return b"".join((self._RESULT, self._write(plan.result, result), self._NO_EXCEPTION))

    def write_error(self, error: WireError) -> bytes:
        return _pack({"result": None, "exception": error.to_dict()}, "exception")

    def read_response(self, plan: MethodPlan, data: bytes) -> Any:
        result, error = _envelope_of_response(_unpack(data))
        return plan.result.from_plain(result) if error is None else error

    @staticmethod
    def _write(wire_type: WireType, value: Any) -> bytes:
        written = _pack(wire_type.to_plain(value), wire_type.where)
        if wire_type.believes and _NOT_FINITE.search(written):
            wire_type.to_json(value)  # refuses it, if it is a number indeed
        return written


@functools.cache  # there are as many as there are methods
def _beginning(method: str) -> bytes:
    return b"".join((b"\x82\xa6method", _pack(method, method), b"\xa4args"))


_NOT_FINITE: Final = re.compile(rb"\xcb[\x7f\xff](?:\xf8|\xf0\0{6})")
"""NaN, -NaN, infinity and -infinity in msgpack: JSON has no form for them, and both formats carry the same values."""


def _envelope_of_request(data: Any) -> tuple[str, list[Any]]:
    if not isinstance(data, dict):
        raise MalformedData("the request must be a map with 'method' and 'args'")
    method, arguments = data.get("method"), data.get("args")
    if not isinstance(method, str) or not isinstance(arguments, list):
        raise MalformedData("the request must have 'method', a string, and 'args', a list")
    return method, arguments


def _envelope_of_response(data: Any) -> tuple[Any, WireError | None]:
    if not isinstance(data, dict) or "result" not in data or "exception" not in data:
        raise MalformedData("the answer must be a map with 'result' and 'exception'")
    failure = data["exception"]
    return data["result"], None if failure is None else WireError.from_data(failure)


def _pack(value: Any, where: str) -> bytes:
    try:
        return cast(bytes, msgpack.Packer(default=_plain).pack(value))
    except (ValueError, TypeError, OverflowError):
        raise ArgumentException(f"{where}: the value cannot be written as msgpack") from None


def _plain(value: Any) -> Any:
    """What msgpack has no form for: sets as lists, everything else (dates, UUIDs, ...) as pydantic's JSON has it."""
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, int):
        return msgpack.ExtType(_INTEGER, str(value).encode())  # more than 64 bits
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return to_jsonable_python(value)


def _unpack(data: bytes) -> Any:
    """Read msgpack without giving a few bytes the power to take much memory.

    msgpack makes room for as many items as a header announces, before it has seen one, and once more for every
    level of nesting. Skipping allocates nothing and fails if what is announced does not come, so afterwards no
    more than eight bytes per byte of input can be made room for.
    """
    try:
        if b"\xdc" in data or b"\xdd" in data or b"\xde" in data or b"\xdf" in data:  # 16 items and more
            unpacker = msgpack.Unpacker(max_buffer_size=len(data) or 1)
            unpacker.feed(data)
            unpacker.skip()
        value = msgpack.unpackb(data, strict_map_key=False, ext_hook=_read_extension, timestamp=3)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        reason = str(error) or type(error).__name__
        raise MalformedData(f"not valid msgpack: {reason[:200]}") from None
    if _may_be_deeper(data, MAX_DEPTH) and _is_deeper(value, MAX_DEPTH):
        raise MalformedData(f"nested deeper than {MAX_DEPTH} levels")
    return value


_HEADERS: Final = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])  # of lists and maps


def _may_be_deeper(data: bytes, limit: int) -> bool:
    if len(data) > 4096:  # then looking at the values is as cheap as counting
        return True
    return len(data) > limit and len(data) - len(data.translate(None, _HEADERS)) > limit


def _is_deeper(value: Any, limit: int) -> bool:
    level: list[Any] = [[value]]
    for _ in range(limit + 1):
        items = itertools.chain.from_iterable(parent.values() if type(parent) is dict else parent for parent in level)
        level = [item for item in items if type(item) is dict or type(item) is list]
        if not level:
            return False
    return True


_INTEGER: Final = 1
"""The one extension type: an integer of more than 64 bits, as decimal digits."""
_DIGITS: Final = re.compile(rb"-?[0-9]{1,4300}")  # Python reads no longer ones, since that takes quadratic time


def _read_extension(code: int, data: bytes) -> int:
    if code != _INTEGER:
        raise ValueError(f"extension type {code} is not part of the wire format")
    if not _DIGITS.fullmatch(data):
        raise ValueError("an integer is not written in decimal digits")
    return int(data)


JSON: Final[Codec] = _JSONCodec()
MSGPACK: Final[Codec] = _MsgpackCodec()

CODECS: Final[Mapping[str, Codec]] = MappingProxyType({codec.content_type: codec for codec in (JSON, MSGPACK)})
"""The codecs by content type."""
