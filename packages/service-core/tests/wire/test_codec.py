"""Envelopes: what is read, what is malformed, and that bad bytes cost nothing."""

from __future__ import annotations

import datetime as dt
import json
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.wire import CODECS, JSON, MSGPACK, Codec, MalformedData, MethodCodec, WireError, WireRequest
from service_core.wire.msgpack_io import unpack


@dataclass
class Item:
    name: str
    parts: list[Item] = field(default_factory=list)
    raw: bytes = b""


class Shop(Service):
    @abstractmethod
    def add(self, item: Item, times: int = 2, *, note: str = "") -> Item: ...

    def anything(self, value: Any) -> Any: ...

    def nothing(self) -> None: ...

    def pair(self, first: Any, last: Any) -> Any: ...


SERVICE = describe_service(Shop, "shop", "")
COMPONENT = ComponentDescriptor(name="test", type=object, description="", services=(SERVICE,))
ADD, ANYTHING, NOTHING, PAIR = (MethodCodec(COMPONENT, SERVICE, method) for method in SERVICE.methods.values())
ITEM = Item("book", [Item("page", raw=b"\xff\x00")])
BOTH = [JSON, MSGPACK]


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


WRITERS: list[tuple[Codec, Callable[[Any], bytes]]] = [(JSON, dump), (MSGPACK, pack)]


def read(codec: Codec, method_codec: MethodCodec, data: bytes) -> Any:
    return codec.read_arguments(method_codec, codec.read_request(data))


def malformed(call: Callable[[], object]) -> str:
    with pytest.raises(MalformedData) as caught:
        call()
    return str(caught.value)


# the form


def test_codecs_are_found_by_content_type() -> None:
    assert dict(CODECS) == {"application/json": JSON, "application/msgpack": MSGPACK}


def test_json_is_as_aspyx_service_writes_and_reads_it() -> None:
    assert JSON.write_request(NOTHING, ()) == b'{"method":"test:shop:nothing","args":[],"names":[]}'
    assert JSON.write_result(NOTHING, None) == b'{"result":null,"exception":null}'
    assert JSON.read_request(b'{"method": "test:shop:nothing", "args": []}') == WireRequest("test:shop:nothing", [])
    assert JSON.read_response(NOTHING, b'{"result": null, "exception": null}') is None


def test_msgpack_has_the_same_form() -> None:
    fields = ADD.sent_fields(as_json=False)
    assert fields is not None
    assert msgpack.unpackb(MSGPACK.write_request(ADD, (Item("a"), 1, "b"))) == {
        "method": "test:shop:add",
        "names": ["item", "times", "note"],
        "fields": [fields.digest, {"Item": {"parts": [], "raw": b""}}],
        "args": [{"name": "a", "parts": [], "raw": b""}, 1, "b"],
    }
    assert msgpack.unpackb(MSGPACK.write_result(NOTHING, None)) == {"result": None, "exception": None}


@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_trailing_arguments_with_a_default_may_be_missing(codec: Codec, write: Callable[[Any], bytes]) -> None:
    data = write({"method": "test:shop:add", "args": [{"name": "book"}]})
    assert read(codec, ADD, data) == (Item("book"),)


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize("more", [{"trace": 1}, {"trace": [1]}, {"trace": {"a": []}}, {"trace": [], "args2": [[]]}])
def test_unknown_keys_are_ignored(codec: Codec, write: Callable[[Any], bytes], more: dict[str, Any]) -> None:
    request = {"method": "test:shop:anything", "args": [5]}
    assert read(codec, ANYTHING, write(request | more)) == (5,)
    assert read(codec, ANYTHING, write(more | request)) == (5,)
    response = {"result": 5, "exception": None}
    assert codec.read_response(ANYTHING, write(response | more)) == 5
    assert codec.read_response(ANYTHING, write(more | response)) == 5


def test_unknown_keys_are_ignored_in_json_without_spaces() -> None:
    for data in (
        b'{"method":"test:shop:anything","args":[5],"trace":[1]}',
        b'{"method":"test:shop:anything","trace":"t","args":[5]}',
        b'{"trace":"t","method":"test:shop:anything","args":[5]}',
    ):
        assert JSON.read_request(data).method == "test:shop:anything"
        assert read(JSON, ANYTHING, data) == (5,)
    assert JSON.read_response(ANYTHING, b'{"result":5,"trace":1,"exception":null}') == 5


@pytest.mark.parametrize("name", ['a"b', "a\\b", "ä:b:c", "a\nb", "", '","args":[]'])
@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_any_text_can_be_a_name(codec: Codec, write: Callable[[Any], bytes], name: str) -> None:
    assert codec.read_request(write({"method": name, "args": []})).method == name
    compact = json.dumps({"method": name, "args": []}, separators=(",", ":"), ensure_ascii=False).encode()
    assert JSON.read_request(compact).method == name


def test_a_request_cannot_name_one_method_to_us_and_another_to_others() -> None:
    reported = malformed(lambda: read(JSON, ADD, b'{"method":"test:shop:add","args":[1],"method":"b","args":[]}'))
    assert reported == "the request names two methods"


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(
    "failure", [{"code": "not_found", "message": "no"}, {"code": "not_found", "message": "no", "more": 1}]
)
def test_a_failure_goes_before_a_result(codec: Codec, write: Callable[[Any], bytes], failure: Any) -> None:
    answer = codec.read_response(ADD, write({"result": {"name": "book"}, "exception": failure}))
    assert answer == WireError(code=ErrorCode.NOT_FOUND, message="no")


@pytest.mark.parametrize("codec", BOTH)
def test_an_error_travels(codec: Codec) -> None:
    error = WireError(type="A", code=ErrorCode.NOT_FOUND, message="m", details={"fields": {}}, correlation_id="c")
    assert codec.read_response(ADD, codec.write_error(error)) == error


@pytest.mark.parametrize(("name", "length"), [("a" * 31, 42), ("a" * 32, 44), ("a" * 255, 267), ("a" * 256, 269)])
@pytest.mark.parametrize("last", ["x", "x" * 100_000])
def test_a_request_in_msgpack_is_read_however_long_it_and_its_name_are(name: str, length: int, last: str) -> None:
    data = pack({"method": name, "args": [[1, {"a": 2}], last]})
    assert data.index(b"\xa4args") + 2 == length
    assert MSGPACK.read_request(data).method == name
    assert read(MSGPACK, PAIR, data) == ([1, {"a": 2}], last)


@pytest.mark.parametrize("last", [b"\xc0", b"\xdb\x00\x01\x00\x00" + b"x" * 65536])
def test_a_name_has_the_length_that_it_says_to_have(last: bytes) -> None:
    malformed(lambda: read(MSGPACK, ANYTHING, b"\x82\xa6method\xa5test:shop:x\xa4args\x91" + last))
    malformed(lambda: read(MSGPACK, ANYTHING, b"\x82\xa6method\xd9\x05test:shop:x\xa4args\x91" + last))


@pytest.mark.parametrize("size", [1, 100_000])
def test_what_looks_like_no_failure_may_be_part_of_one(size: int) -> None:
    reported = "x" * size + "\xa9exception"
    error = WireError(type="A", message=reported)
    assert MSGPACK.read_response(ANYTHING, pack({"result": None, "exception": error.to_dict()})) == error
    data = b"\x82\xa6result\xc0\xa9exception" + pack(b"x" * size + b"\xa9exception\xc0")
    assert isinstance(MSGPACK.read_response(ANYTHING, data), WireError)


# what is malformed


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize("value", [None, 5, "text", [], [{"method": "a", "args": []}]])
def test_an_envelope_is_a_map(codec: Codec, write: Callable[[Any], bytes], value: Any) -> None:
    assert malformed(lambda: codec.read_request(write(value))) == "the request must be a map with 'method' and 'args'"
    assert malformed(lambda: codec.read_response(ADD, write(value))) == (
        "the answer must be a map with 'result' and 'exception'"
    )


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"method": "a"},
        {"args": []},
        {"Method": "a", "args": []},
        {"method": 5, "args": []},
        {"method": None, "args": []},
        {"method": ["a"], "args": []},
        {"method": "a", "args": {}},
        {"method": "a", "args": {"value": []}},
        {"method": "a", "args": "[]"},
        {"method": "a", "args": None},
        {"method": "a", "args": 1, "more": []},
    ],
)
def test_a_request_has_a_method_and_arguments(codec: Codec, write: Callable[[Any], bytes], value: Any) -> None:
    reported = "the request must have 'method', a string, and 'args', a list, or 'kwargs', a map"
    assert malformed(lambda: read(codec, ANYTHING, write(value))) == reported
    assert malformed(lambda: read(JSON, ANYTHING, json.dumps(value, separators=(",", ":")).encode())) == reported


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize("value", [{}, {"result": 1}, {"exception": None}, {"detail": "Not Found"}])
def test_an_answer_has_a_result_and_an_exception(codec: Codec, write: Callable[[Any], bytes], value: Any) -> None:
    assert malformed(lambda: codec.read_response(ADD, write(value))) == (
        "the answer must be a map with 'result' and 'exception'"
    )


@pytest.mark.parametrize("codec", BOTH)
@pytest.mark.parametrize("data", [b"", b"\x00", b"<html>", b"{", b"\xff\xfe", b"null,", b"\xc1", b"[[[["])
def test_bytes_of_another_kind_are_malformed_and_not_quoted(codec: Codec, data: bytes) -> None:
    for reported in (
        malformed(lambda: codec.read_request(data)),
        malformed(lambda: codec.read_response(ADD, data)),
    ):
        assert reported.startswith(("not valid ", "the "))
        assert "html" not in reported


@pytest.mark.parametrize("codec", BOTH)
def test_whatever_is_cut_off_is_malformed(codec: Codec) -> None:
    request, response = codec.write_request(ADD, (ITEM, 1, "note")), codec.write_result(ADD, ITEM)
    failure = codec.write_error(WireError(message="no"))
    for end in range(len(request)):
        malformed(partial(read, codec, ADD, request[:end]))
    for whole in (response, failure):
        for end in range(len(whole)):
            malformed(partial(codec.read_response, ADD, whole[:end]))


@pytest.mark.parametrize("codec", BOTH)
def test_whatever_comes_after_the_end_is_malformed(codec: Codec) -> None:
    request, response = codec.write_request(ADD, (ITEM, 1, "note")), codec.write_result(ADD, ITEM)
    for more in (b"}", b"\x00", b"1", request):
        malformed(partial(read, codec, ADD, request + more))
        malformed(partial(codec.read_response, ADD, response + more))


def outcome(codec: Codec, data: bytes) -> None:
    """Read it as everything it could be; only these errors may come of it."""
    for method_codec in (ADD, ANYTHING, NOTHING):
        with suppress(MalformedData, ArgumentException, ContractMismatchException):
            read(codec, method_codec, data)
        with suppress(MalformedData, ArgumentException):
            codec.read_response(method_codec, data)


@pytest.mark.parametrize("codec", BOTH)
def test_any_bytes_are_read_or_refused(codec: Codec) -> None:
    @settings(max_examples=300)
    @given(st.binary(max_size=100))
    def refuses(data: bytes) -> None:
        outcome(codec, data)

    refuses()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
keys = st.text() | st.binary() | st.integers(-(2**63), 2**63) | st.none()
packable = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text() | st.binary()
extensions = st.builds(msgpack.ExtType, st.integers(0, 127), st.binary())
timestamps = st.builds(msgpack.Timestamp, st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**9 - 1))
values = st.recursive(
    packable | extensions | timestamps,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
)
names = st.sampled_from(["method", "args", "result", "exception", "name", "parts", "code", "type", "message"])
envelopes = st.dictionaries(names, values | st.lists(values) | st.dictionaries(names, values))
jsonable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(), inner, max_size=4),
)


@pytest.mark.slow
@settings(max_examples=150)
@given(envelopes | values)
@example({"method": "a", "args": [msgpack.Timestamp(2**62)]})
@example({"result": None, "exception": {"code": [], "type": {}, "message": 5, "correlation_id": b"\xff"}})
def test_any_msgpack_is_read_or_refused(value: Any) -> None:
    outcome(MSGPACK, pack(value))


@pytest.mark.slow
@settings(max_examples=150)
@given(st.dictionaries(names, jsonable) | jsonable, st.booleans())
@example({"result": None, "exception": {"code": [], "type": {}, "message": 10**4200}}, True)
@example({"method": "a", "args": [10**4200]}, True)
def test_any_json_is_read_or_refused(value: Any, compact: bool) -> None:
    outcome(JSON, json.dumps(value, separators=(",", ":") if compact else None).encode())


@pytest.mark.slow
@pytest.mark.parametrize("codec", BOTH)
def test_any_damage_is_read_or_refused(codec: Codec) -> None:
    request, response = codec.write_request(ADD, (ITEM, 1, "note")), codec.write_result(ADD, ITEM)

    @settings(max_examples=300)
    @given(st.sampled_from([request, response]), st.integers(0, 200), st.binary(min_size=1, max_size=3))
    def refuses(data: bytes, place: int, damage: bytes) -> None:
        place %= len(data)
        outcome(codec, data[:place] + damage + data[place + len(damage) :])

    refuses()


@pytest.mark.parametrize("code", [0, 5, 127, -2, -128])
def test_extension_types_are_malformed(code: int) -> None:
    data = b"\x82\xa6method\xa1a\xa4args\x91\xd4" + code.to_bytes(1, signed=True) + b"\x00"
    assert malformed(lambda: read(MSGPACK, ANYTHING, data)) == (
        f"not valid msgpack: extension type {code} is not part of the wire format"
    )


def test_a_timestamp_of_msgpack_is_a_time() -> None:
    moment = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    data = cast(bytes, msgpack.packb({"method": "a", "args": [moment]}, datetime=True))
    assert read(MSGPACK, ANYTHING, data) == (moment,)
    with pytest.raises(ArgumentException, match="item"):
        read(MSGPACK, ADD, data)


def test_keys_that_cannot_be_keys_are_malformed() -> None:
    malformed(lambda: MSGPACK.read_request(b"\x81\x90\xc0"))
    malformed(lambda: MSGPACK.read_request(b"\x81\x80\xc0"))


class Odd(Service):
    @abstractmethod
    def odd(self, args: str, names: list[int], method: dict[int, str]) -> None: ...


ODD = describe_service(Odd, "odd", "")
ODDLY_NAMED = MethodCodec(
    ComponentDescriptor(name="test", type=object, description="", services=(ODD,)), ODD, ODD.methods["odd"]
)


@pytest.mark.parametrize("codec", BOTH)
def test_parameters_may_be_named_as_the_members_of_a_request(codec: Codec) -> None:
    arguments = ("args", [1], {1: "names"})
    for _ in range(2):  # the beginnings of requests are remembered
        request = codec.read_request(codec.write_request(ODDLY_NAMED, arguments))
        assert request.method == "test:odd:odd"
        assert codec.read_arguments(ODDLY_NAMED, request) == arguments


def test_msgpack_reads_maps_whose_keys_are_no_texts() -> None:
    data = pack({"text": 1, 2: 3, b"bytes": {True: None}})
    assert unpack(data) == {"text": 1, 2: 3, b"bytes": {True: None}}
