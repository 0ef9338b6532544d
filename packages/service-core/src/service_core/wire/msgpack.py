"""msgpack: canonical envelopes are cut as in JSON, others unpacked as a whole."""

from __future__ import annotations

import re
from typing import Any, Final, cast

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
from service_core.wire.limits import msgpack_holds_more
from service_core.wire.method_codec import MethodCodec
from service_core.wire.method_name import msgpack_method_name
from service_core.wire.msgpack_io import Buffer, pack, unpack
from service_core.wire.values import WireType

__all__ = ["MSGPACK"]


class _MsgpackCodec(Codec):
    content_type = "application/msgpack"

    def write_request(self, plan: MethodCodec, arguments: Arguments) -> bytes:
        wire = plan.arguments
        if wire.believes:
            return uncollected(_write_objects, wire, arguments, {"method": plan.name, "args": ()}, "args")
        return pack({"method": plan.name, "args": wire.from_plain(arguments)}, wire.where)

    def read_request(self, data: bytes) -> WireRequest:
        return _cut(data) or WireRequest(*envelope_of_request(unpack(data)))

    def method_name(self, data: bytes) -> str:
        return msgpack_method_name(data)

    def holds_more(self, data: bytes, most: int) -> bool:
        return msgpack_holds_more(data, most)

    def read_arguments(self, plan: MethodCodec, request: WireRequest) -> Arguments:
        arguments = request.arguments
        if isinstance(arguments, list):  # not cut
            return cast(Arguments, plan.arguments.from_plain(arguments))
        if len(arguments) >= LARGE:
            return cast(Arguments, uncollected(_read, plan.arguments, arguments))
        read: Arguments = plan.arguments.from_plain(unpack(arguments))
        return read

    def write_result(self, plan: MethodCodec, result: Any) -> bytes:
        wire = plan.result
        if wire.believes:
            return uncollected(_write_objects, wire, result, {"result": None, "exception": None}, "result")
        return pack({"result": wire.from_plain(result), "exception": None}, wire.where)

    def write_error(self, error: WireError) -> bytes:
        return pack({"result": None, "exception": error.to_dict()}, "exception")

    def read_response(self, plan: MethodCodec, data: bytes) -> Any:
        if data.startswith(_RESULT) and data.endswith(_NO_EXCEPTION):
            try:
                if len(data) < LARGE:
                    return plan.result.from_plain(unpack(data[_RESULT_STARTS:_RESULT_ENDS]))
                return uncollected(_read, plan.result, memoryview(data)[_RESULT_STARTS:_RESULT_ENDS])
            except MalformedData:
                pass  # not as canonical as it looked, or wrong: what follows says what it is
        result, error = envelope_of_response(unpack(data))
        return plan.result.from_plain(result) if error is None else error


def _read(wire: WireType, data: Buffer) -> Any:
    return wire.from_plain(unpack(data), is_large=True)


def _write_objects(wire: WireType, value: Any, envelope: dict[str, Any], key: str) -> bytes:
    """The envelope with objects, which are many perhaps, under a key where it has room already."""
    envelope[key] = wire.to_plain(value)
    written = pack(envelope, wire.where)
    if _NOT_FINITE.search(written):
        wire.to_json(value)  # refuses it, if it is a number indeed
    return written


_NOT_FINITE: Final = re.compile(rb"\xcb[\x7f\xff](?:\xf8|\xf0\0{6})")
"""NaN, -NaN, infinity and -infinity in msgpack: JSON has no form for them, and both formats carry the same values."""

# Canonical envelopes: a name of less than 256 bytes, all of them ASCII, and a list; a result and no failure.
_BEGINNING: Final = re.compile(
    rb"\x82\xa6method (?:\xd9. | [\xa0-\xbf]) ([\0-\x7f]*) \xa4args (?=[\x90-\x9f\xdc\xdd])", re.DOTALL | re.VERBOSE
)
_RESULT: Final = b"\x82\xa6result"
_RESULT_STARTS: Final = len(_RESULT)
_NO_EXCEPTION: Final = b"\xa9exception\xc0"
_RESULT_ENDS: Final = -len(_NO_EXCEPTION)


def _cut(data: bytes) -> WireRequest | None:
    """A canonical request, its arguments not unpacked yet."""
    beginning = _BEGINNING.match(data)
    if beginning is None:
        return None
    name = beginning[1]
    start = beginning.start(1)
    announced = data[start - 1] if start == 10 else data[start - 1] & 0x1F
    if announced != len(name):
        return None
    arguments = data[beginning.end() :] if len(data) < LARGE else memoryview(data)[beginning.end() :]
    return WireRequest(name.decode(), arguments)


MSGPACK: Final[Codec] = _MsgpackCodec()
