"""JSON: most work is done by pydantic on the bytes themselves; canonical envelopes are cut, not parsed."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any, Final

from pydantic_core import from_json, to_json

from service_core.arguments import Arguments
from service_core.errors import ArgumentException
from service_core.wire.bounds.density import json_is_dense, json_memory
from service_core.wire.bounds.garbage_collection import LARGE, without_collection
from service_core.wire.bounds.infinite import may_be_infinite
from service_core.wire.bounds.limits import json_holds_more
from service_core.wire.codec import (
    Codec,
    MalformedData,
    WireRequest,
    by_name,
    envelope_of_request,
    envelope_of_response,
    types_for,
)
from service_core.wire.failures.wire_error import WireError
from service_core.wire.large_values.envelopes import CutArguments, cut_request
from service_core.wire.large_values.json_splitter import JSONSplitter, not_json
from service_core.wire.large_values.reading import LONG, read_in_pieces
from service_core.wire.methods.method_codec import MethodCodec
from service_core.wire.methods.method_name import json_method_name
from service_core.wire.methods.written_names import WrittenNames
from service_core.wire.values import WireType


def _parse(data: bytes) -> Any:
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedData(f"not valid JSON: {error}") from None


_CONTENT_TYPE: Final = "application/json"


class _JSONCodec(Codec):
    content_type = _CONTENT_TYPE
    parse = staticmethod(_parse)
    method_name = staticmethod(json_method_name)
    holds_more = staticmethod(json_holds_more)
    is_dense = staticmethod(json_is_dense)
    memory = staticmethod(json_memory)
    splitter = JSONSplitter

    def write_request(self, method_codec: MethodCodec, arguments: Arguments) -> bytes:
        written = method_codec.written_names.get(_CONTENT_TYPE) or _written_names(method_codec)
        types = method_codec.arguments
        if types.all_required:
            return b"".join((written.start, types.all.to_json(arguments), written.by_count[-1]))
        names, values = types.filled(arguments)
        end = written.by_count[len(values)] if names is None else written.of(names)
        return b"".join((written.start, types.first(len(values)).to_json(values), end))

    def read_request(self, data: bytes) -> WireRequest:
        start = data.find(_ARGS, 0, _LONGEST_BEGINNING) + _ARGS_LENGTH
        method = _read_beginning(data[:start])
        if method is None or not data.endswith(b"]}"):
            return _envelope(data)
        at = data.rfind(_NAMES)
        if at < 0:
            return WireRequest(method, data[start:-1])
        return WireRequest(method, data[start:at], data[at + _NAMES_LENGTH : -1])

    def read_arguments(self, method_codec: MethodCodec, request: WireRequest) -> Arguments:
        cut, names, types = request.arguments, request.names, method_codec.arguments
        if not isinstance(cut, bytes):
            return _read_parsed(method_codec, request)
        count: int | None = -1
        if names is not None:
            written = method_codec.written_names.get(_CONTENT_TYPE) or _written_names(method_codec)
            count = written.counts.get(names)
        # Types of simple values refuse NaN themselves, so that only what they refuse has to be searched for it.
        if count is not None and not (types.all.trusts_objects and may_be_infinite(cut)):
            try:
                arguments = types.placed(_read(types.all, cut))
            except ArgumentException as error:
                if not may_be_infinite(cut) and not (error.details and error.details[0]["type"] in _PERHAPS_MALFORMED):
                    raise
            else:
                if count in (-1, len(arguments)):
                    return arguments
        # Other names than nearly always, or more than the arguments was cut out, or they are no JSON: parse the whole.
        named = b"" if names is None else _NAMES + names
        data = b"".join((_METHOD, request.method.encode(), b'","args":', cut, named, b"}"))
        parsed = _envelope(data)
        if parsed.method != request.method:
            raise MalformedData("the request names two methods")
        return _read_parsed(method_codec, parsed)

    def write_result(self, method_codec: MethodCodec, result: Any) -> bytes:
        return b"".join((_RESULT, method_codec.result.to_json(result), _NO_EXCEPTION))

    def write_value(self, wire: WireType, value: Any) -> bytes:
        return wire.to_json(value)

    def read_value(self, wire: WireType, data: bytes) -> Any:
        return read_json(wire, data)

    def write_error(self, error: WireError) -> bytes:
        return to_json({"result": None, "exception": error.to_dict()})

    def read_response(self, method_codec: MethodCodec, data: bytes) -> Any:
        wire = method_codec.result
        is_canonical = data.startswith(_RESULT) and data.endswith(_NO_EXCEPTION)
        if is_canonical and not (len(data) < LONG and wire.trusts_objects and may_be_infinite(data)):
            try:
                return _read(wire, data[_RESULT_STARTS:_RESULT_ENDS])
            except ArgumentException:
                pass  # not as canonical as it looked, or wrong: what follows says what it is
        result, error = envelope_of_response(_parse(data))
        return _read(wire, to_json(result)) if error is None else error


_METHOD: Final = b'{"method":"'
_PERHAPS_MALFORMED: Final = ("json_invalid", "missing", "too_long")
"""What is wrong with arguments that may be no JSON, or as many as they have names."""
_RESULT: Final = b'{"result":'
_RESULT_STARTS: Final = len(_RESULT)
_NO_EXCEPTION: Final = b',"exception":null}'
_RESULT_ENDS: Final = -len(_NO_EXCEPTION)
# A name without quotes and escapes.
_BEGINNING: Final = re.compile(rb'\{"method":"([^"\\\x80-\xff]*)","args":')
_ARGS: Final = b',"args":'
_ARGS_LENGTH: Final = len(_ARGS)
_LONGEST_BEGINNING: Final = 4096
_NAMES: Final = b',"names":'
_NAMES_LENGTH: Final = len(_NAMES)


@lru_cache(1000)  # each method has one
def _read_beginning(data: bytes) -> str | None:
    """The method in the beginning of a canonical request, None for another request."""
    beginning = _BEGINNING.fullmatch(data)
    return None if beginning is None else beginning[1].decode()


def _written_names(method_codec: MethodCodec) -> WrittenNames:
    """The names as they are written, which are prepared when a method is first called as JSON."""
    types, start = method_codec.arguments, b"".join((b'{"method":', to_json(method_codec.name), b',"args":'))
    sent = method_codec.sent_fields(as_json=True)
    fields = b"" if sent is None else b',"fields":' + to_json(sent.written)
    written = WrittenNames(
        lambda names: to_json(names) + fields,
        lambda known: _NAMES + known + b"}",
        types.names,
        types.fewest,
        start=start,
    )
    return method_codec.written_names.setdefault(_CONTENT_TYPE, written)


def _envelope(data: bytes) -> WireRequest:
    """A request in any form that is allowed."""
    return envelope_of_request(_parse(data)) if len(data) < LONG else cut_request(JSONSplitter(data))


def _read_parsed(method_codec: MethodCodec, request: WireRequest) -> Arguments:
    types = types_for(request, method_codec)
    with types.comparing_fields():
        if isinstance(request.arguments, CutArguments):
            return request.arguments.read(types, read_json)
        if request.names is None and isinstance(request.arguments, list):
            return types.placed(_read(types.all, to_json(request.arguments)))
        given = by_name(request)
        types.check(given)
        return types.in_order(_read(types.named, to_json(given)))


def _read(wire: WireType, data: bytes) -> Any:
    return wire.from_json(data) if len(data) < LARGE else without_collection(_read_large, wire, data)


def _read_large(wire: WireType, data: bytes) -> Any:
    read = read_in_pieces(wire, partial(JSONSplitter, data)) if len(data) >= LONG else None
    if read is not None:
        return read[0]
    return wire.from_json(data if len(data) < LONG else _finite(data))


def _finite(data: bytes) -> bytes:
    """A text without NaN and infinity. Raises MalformedData for one that has them."""
    return to_json(_parse(data)) if may_be_infinite(data) else data


def read_json(wire: WireType, data: bytes) -> Any:
    """A value that is all of a JSON document. Raises MalformedData, ArgumentException."""
    try:
        return _read(wire, _finite(data) if len(data) < LONG else data)
    except ArgumentException as error:
        reason = not_json(error)
        if reason is None:
            raise
        raise MalformedData(reason) from None


JSON: Final[Codec] = _JSONCodec()
