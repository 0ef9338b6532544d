"""msgpack: canonical envelopes are cut as in JSON, others unpacked as a whole."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any, Final

from service_core.arguments import Arguments
from service_core.wire.bounds.density import msgpack_is_dense, msgpack_memory
from service_core.wire.bounds.garbage_collection import LARGE, without_collection
from service_core.wire.bounds.limits import Buffer, msgpack_holds_more
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
from service_core.wire.large_values.envelopes import CutArguments, cut_arguments, cut_request
from service_core.wire.large_values.msgpack_splitter import MsgpackSplitter
from service_core.wire.large_values.reading import LONG, read_in_pieces
from service_core.wire.methods.method_codec import MethodCodec
from service_core.wire.methods.method_name import msgpack_method_name
from service_core.wire.methods.written_names import WrittenNames
from service_core.wire.msgpack_io import pack, unpack
from service_core.wire.values import WireType

_CONTENT_TYPE: Final = "application/msgpack"


class _MsgpackCodec(Codec):
    content_type = _CONTENT_TYPE
    parse = staticmethod(unpack)
    method_name = staticmethod(msgpack_method_name)
    holds_more = staticmethod(msgpack_holds_more)
    is_dense = staticmethod(msgpack_is_dense)
    memory = staticmethod(msgpack_memory)
    splitter = MsgpackSplitter

    def write_request(self, method_codec: MethodCodec, arguments: Arguments) -> bytes:
        heads = method_codec.written_names.get(_CONTENT_TYPE) or _written_names(method_codec)
        types = method_codec.arguments
        if types.all_required:
            head, wire, values = heads.by_count[-1], types.all, arguments
        else:
            names, values = types.filled(arguments)
            head = heads.by_count[len(values)] if names is None else heads.of(names)
            wire = types.first(len(values))
        if wire.trusts_objects:
            return head + without_collection(_write_objects, wire, values)
        return head + pack(wire.checked(values), wire.where)

    def read_request(self, data: bytes) -> WireRequest:
        end = data.find(_ARGS, 0, _LONGEST_BEGINNING) + _ARGS_LENGTH
        named = _read_beginning(data[:end])
        if named is None or data[end : end + 1] not in _LIST:
            return envelope_of_request(unpack(data)) if len(data) < LONG else cut_request(MsgpackSplitter(data))
        # Canonical: the arguments are not unpacked yet.
        return WireRequest(named[0], data[end:] if len(data) < LARGE else memoryview(data)[end:], named[1])

    def read_arguments(self, method_codec: MethodCodec, request: WireRequest) -> Arguments:
        data = request.arguments
        if isinstance(data, bytes):
            return _read_cut(method_codec, data, request.names)
        if isinstance(data, memoryview):
            return without_collection(_read_large_cut, method_codec, data, request.names)
        return _read_parsed(method_codec, request)

    def write_result(self, method_codec: MethodCodec, result: Any) -> bytes:
        wire = method_codec.result
        if wire.trusts_objects:
            return b"".join((_RESULT, without_collection(_write_objects, wire, result), _NO_EXCEPTION))
        return pack({"result": wire.checked(result), "exception": None}, wire.where)

    def write_value(self, wire: WireType, value: Any) -> bytes:
        if wire.trusts_objects:
            return without_collection(_write_objects, wire, value)
        return pack(wire.from_plain(value), wire.where)

    def read_value(self, wire: WireType, data: bytes) -> Any:
        return wire.from_plain(unpack(data)) if len(data) < LARGE else without_collection(_read, wire, data)

    def write_error(self, error: WireError) -> bytes:
        return pack({"result": None, "exception": error.to_dict()}, "exception")

    def read_response(self, method_codec: MethodCodec, data: bytes) -> Any:
        if data.startswith(_RESULT) and data.endswith(_NO_EXCEPTION):
            try:
                if len(data) < LARGE:
                    return method_codec.result.from_plain(unpack(data[_RESULT_STARTS:_RESULT_ENDS]))
                return without_collection(_read, method_codec.result, memoryview(data)[_RESULT_STARTS:_RESULT_ENDS])
            except MalformedData:
                pass  # not as canonical as it looked, or wrong: what follows says what it is
        result, error = envelope_of_response(unpack(data))
        return method_codec.result.from_plain(result) if error is None else error


def _read(wire: WireType, data: Buffer) -> Any:
    """A value of many bytes."""
    read = read_in_pieces(wire, partial(MsgpackSplitter, data)) if len(data) >= LONG else None
    return wire.from_plain(unpack(data), is_large=True) if read is None else read[0]


def _write_objects(wire: WireType, value: Any) -> bytes:
    """A value that may hold objects, and many of them."""
    written = pack(wire.to_plain(value), wire.where)
    if _NOT_FINITE.search(written):
        wire.to_json(value)  # refuses it, if it is a number indeed
    return written


def _written_names(method_codec: MethodCodec) -> WrittenNames:
    """The beginnings of requests, which are made when a method is first called as msgpack."""
    types, method = method_codec.arguments, b"\xa6method" + pack(method_codec.name, method_codec.name)
    sent = method_codec.sent_fields(as_json=False)
    fields = b"" if sent is None else b"\xa6fields" + pack(sent.written, "fields")
    members = b"\x82" if fields else b"\x81"
    heads = WrittenNames(
        lambda names: b"".join((members, b"\xa5names", pack(names, "names"), fields)),
        lambda known: b"".join((bytes([known[0] + 2]), method, known[1:], _ARGS)),
        types.names,
        types.fewest,
    )
    return method_codec.written_names.setdefault(_CONTENT_TYPE, heads)


def _read_cut(method_codec: MethodCodec, data: Buffer, names: bytes | None, *, is_large: bool = False) -> Arguments:
    arguments = unpack(data)
    if names is not None:
        written = method_codec.written_names.get(_CONTENT_TYPE) or _written_names(method_codec)
        if written.counts.get(names) != len(arguments):
            members = unpack(names)
            request = WireRequest(method_codec.name, arguments, members["names"], members.get("fields"))
            return _read_parsed(method_codec, request)
    types = method_codec.arguments
    return types.placed(types.all.from_plain(arguments, is_large=is_large))


def _read_large_cut(method_codec: MethodCodec, data: Buffer, names: bytes | None) -> Arguments:
    written = method_codec.written_names.get(_CONTENT_TYPE) or _written_names(method_codec)
    if len(data) >= LONG:
        if names is None or written.counts.get(names) == _count(data):
            return method_codec.arguments.placed(_read(method_codec.arguments.all, data))
        members, splitter = unpack(names), MsgpackSplitter(data)
        cut = cut_arguments(splitter, splitter.whole, members["names"])
        return _read_parsed(method_codec, WireRequest(method_codec.name, cut, None, members.get("fields")))
    return _read_cut(method_codec, data, names, is_large=True)


def _count(data: Buffer) -> int:
    """How many items a list has, by its header."""
    size = {0xDC: 2, 0xDD: 4}.get(data[0], 0)
    return int.from_bytes(data[1 : 1 + size], "big") if size else data[0] & 0xF


def _read_parsed(method_codec: MethodCodec, request: WireRequest) -> Arguments:
    types = types_for(request, method_codec)
    with types.comparing_fields():
        if isinstance(request.arguments, CutArguments):
            return request.arguments.read(types, MSGPACK.read_value)
        if request.names is None and isinstance(request.arguments, list):
            return types.placed(types.all.from_plain(request.arguments))
        given = by_name(request)
        types.check(given)
        return types.in_order(types.named.from_plain(given))


_NOT_FINITE: Final = re.compile(rb"\xcb[\x7f\xff](?:\xf8|\xf0\0{6})")
"""NaN, -NaN, infinity and -infinity in msgpack: JSON has no form for them, and both formats carry the same values."""

# Canonical envelopes: a name of less than 256 bytes, all of them ASCII, names of arguments, and a list; a result and no
# failure.
_ARGS: Final = b"\xa4args"
_ARGS_LENGTH: Final = len(_ARGS)
_LONGEST_BEGINNING: Final = 4096
_LIST: Final = frozenset(bytes([byte]) for byte in (*range(0x90, 0xA0), 0xDC, 0xDD))
"""First bytes of lists."""
_BEGINNING: Final = re.compile(
    rb"[\x82-\x84]\xa6method(?:\xd9.|[\xa0-\xbf])([\0-\x7f]*)(?:\xa5names(.+))?\xa4args", re.DOTALL
)
_RESULT: Final = b"\x82\xa6result"
_RESULT_STARTS: Final = len(_RESULT)
_NO_EXCEPTION: Final = b"\xa9exception\xc0"
_RESULT_ENDS: Final = -len(_NO_EXCEPTION)


@lru_cache(1000)  # each method has few of them
def _read_beginning(data: bytes) -> tuple[str, bytes | None] | None:
    """The method in the beginning of a canonical request, and a map of what stands between it and the arguments.

    None for another request.
    """
    beginning = _BEGINNING.fullmatch(data)
    if beginning is None:
        return None
    name, names = beginning.groups()
    start = beginning.start(1)
    announced = data[start - 1] if start == 10 else data[start - 1] & 0x1F
    if announced != len(name) or (data[0] == 0x82) != (names is None):
        return None
    return name.decode(), names and bytes([data[0] - 2]) + b"\xa5names" + names


MSGPACK: Final[Codec] = _MsgpackCodec()
