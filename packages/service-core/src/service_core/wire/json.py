"""JSON: most work is done by pydantic on the bytes themselves; canonical envelopes are cut, not parsed."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from pydantic_core import from_json, to_json

from service_core.errors import ArgumentException
from service_core.wire.codec import (
    Arguments,
    Codec,
    MalformedData,
    WireRequest,
    envelope_of_request,
    envelope_of_response,
)
from service_core.wire.errors import WireError
from service_core.wire.large import LARGE, uncollected
from service_core.wire.limits import json_holds_more
from service_core.wire.method_codec import MethodCodec
from service_core.wire.method_name import json_method_name
from service_core.wire.values import WireType, may_be_infinite

__all__ = ["JSON", "read_json"]


class _JSONCodec(Codec):
    content_type = "application/json"

    def write_request(self, plan: MethodCodec, arguments: Arguments) -> bytes:
        return b"".join((_METHOD, plan.name.encode(), _ARGS, plan.arguments.to_json(arguments), b"}"))

    def read_request(self, data: bytes) -> WireRequest:
        beginning = _BEGINNING.match(data)
        if beginning is not None and data.endswith(b"]}") and not may_be_infinite(data):
            return WireRequest(beginning[1].decode(), data[beginning.end() : -1])
        method, arguments = envelope_of_request(_parse(data))
        return WireRequest(method, to_json(arguments))

    def method_name(self, data: bytes) -> str:
        return json_method_name(data)

    def holds_more(self, data: bytes, most: int) -> bool:
        return json_holds_more(data, most)

    def read_arguments(self, plan: MethodCodec, request: WireRequest) -> Arguments:
        try:
            return cast(Arguments, _read(plan.arguments, request.arguments))
        except ArgumentException as error:
            if not error.details or error.details[0]["type"] != "json_invalid":
                raise
        # More than the arguments was cut out, or they are no JSON. Read with care the whole, which is known still.
        data = b"".join((_METHOD, request.method.encode(), _ARGS, request.arguments, b"}"))
        method, arguments = envelope_of_request(_parse(data))
        if method != request.method:
            raise MalformedData("the request names two methods")
        return cast(Arguments, _read(plan.arguments, to_json(arguments)))

    def write_result(self, plan: MethodCodec, result: Any) -> bytes:
        return b"".join((_RESULT, plan.result.to_json(result), _NO_EXCEPTION))

    def write_error(self, error: WireError) -> bytes:
        return to_json({"result": None, "exception": error.to_dict()})

    def read_response(self, plan: MethodCodec, data: bytes) -> Any:
        if data.startswith(_RESULT) and data.endswith(_NO_EXCEPTION) and not may_be_infinite(data):
            try:
                return _read(plan.result, data[_RESULT_STARTS:_RESULT_ENDS])
            except ArgumentException:
                pass  # not as canonical as it looked, or wrong: what follows says what it is
        result, error = envelope_of_response(_parse(data))
        return _read(plan.result, to_json(result)) if error is None else error


_METHOD: Final = b'{"method":"'
_ARGS: Final = b'","args":'
_RESULT: Final = b'{"result":'
_RESULT_STARTS: Final = len(_RESULT)
_NO_EXCEPTION: Final = b',"exception":null}'
_RESULT_ENDS: Final = -len(_NO_EXCEPTION)
# A name without quotes and escapes.
_BEGINNING: Final = re.compile(rb'\{"method":"([^"\\\x80-\xff]*)","args":')


def _read(wire: WireType, data: bytes) -> Any:
    return wire.from_json(data) if len(data) < LARGE else uncollected(wire.from_json, data)


def _parse(data: bytes) -> Any:
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedData(f"not valid JSON: {error}") from None


def read_json(wire: WireType, data: bytes) -> Any:
    """A value that is all of a JSON document. Raises MalformedData, ArgumentException."""
    if may_be_infinite(data):
        data = to_json(_parse(data))
    try:
        return _read(wire, data)
    except ArgumentException as error:
        if error.details and error.details[0]["type"] == "json_invalid":
            raise MalformedData(f"not valid JSON: {error.details[0]['msg'].removeprefix('Invalid JSON: ')}") from None
        raise


JSON: Final[Codec] = _JSONCodec()
