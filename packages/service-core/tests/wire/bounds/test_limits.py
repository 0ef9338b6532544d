"""Bad bytes cost nothing: no depth, and no lengths that are only announced."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, MethodCodec


@dataclass
class Item:
    name: str
    parts: list[Item] = field(default_factory=list)


class Shop(Service):
    def add(self, item: Item) -> None: ...

    def anything(self, value: Any) -> Any: ...


SERVICE = describe_service(Shop, "shop", "")
COMPONENT = ComponentDescriptor(name="test", type=object, description="", services=(SERVICE,))
ADD, ANYTHING = (MethodCodec(COMPONENT, SERVICE, method) for method in SERVICE.methods.values())
BOTH = [JSON, MSGPACK]


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def read(codec: Codec, method_codec: MethodCodec, data: bytes) -> Any:
    return codec.read_arguments(method_codec, codec.read_request(data))


def malformed(call: Callable[[], object]) -> str:
    with pytest.raises(MalformedData) as caught:
        call()
    return str(caught.value)


def nested_lists(codec: Codec, depth: int) -> bytes:
    return b"[" * depth + b"]" * depth if codec is JSON else b"\x91" * (depth - 1) + b"\x90"


def request_of(codec: Codec, value: bytes) -> bytes:
    if codec is JSON:
        return b'{"method":"a","args":[%s]}' % value
    return b"\x82\xa6method\xa1a\xa4args\x91" + value


@pytest.mark.parametrize("codec", BOTH)
def test_lists_may_be_nested_150_deep(codec: Codec) -> None:
    (value,) = read(codec, ANYTHING, request_of(codec, nested_lists(codec, 150)))
    depth = 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 149


@pytest.mark.parametrize("codec", BOTH)
@pytest.mark.parametrize("depth", [210, 500, 1000, 2000, 100_000])
def test_what_is_nested_deeper_is_malformed(codec: Codec, depth: int) -> None:
    data = request_of(codec, nested_lists(codec, depth))
    reported = malformed(lambda: read(codec, ANYTHING, data))
    assert reported.startswith("not valid JSON: ") if codec is JSON else reported == "nested deeper than 200 levels"
    malformed(lambda: codec.read_response(ANYTHING, data))


def test_maps_that_are_nested_deeper_are_malformed_too() -> None:
    malformed(lambda: read(MSGPACK, ANYTHING, request_of(MSGPACK, b"\x81\xa1a" * 300 + b"\xc0")))
    malformed(lambda: read(JSON, ANYTHING, request_of(JSON, b'{"a":' * 300 + b"1" + b"}" * 300)))


@pytest.mark.parametrize("codec", BOTH)
def test_what_is_large_may_be_nested_neither_less_nor_more(codec: Codec) -> None:
    text = pack("x" * 5000) if codec is MSGPACK else b'"%s"' % (b"x" * 5000)
    pair = b"\x92%s%s" if codec is MSGPACK else b"[%s,%s]"
    deep = request_of(codec, pair % (text, nested_lists(codec, 150)))
    assert read(codec, ANYTHING, deep)[0][0] == "x" * 5000
    malformed(lambda: read(codec, ANYTHING, request_of(codec, pair % (text, nested_lists(codec, 210)))))


@pytest.mark.parametrize("count", [100, 1000])
def test_many_lists_beside_each_other_are_not_deep(count: int) -> None:
    wide: list[list[list[int]]] = [[[]]] * count
    assert read(MSGPACK, ANYTHING, pack({"method": "a", "args": [wide]})) == (wide,)


def test_objects_may_be_nested_no_deeper_than_they_can_be_read() -> None:
    item = Item("last")
    for _ in range(300):
        item = Item("", [item])
    for codec in BOTH:
        with pytest.raises((ArgumentException, MalformedData)):
            read(codec, ADD, codec.write_request(ADD, (item,)))


# msgpack itself refuses lengths beyond that of all data, so there is as much of that as is announced.
REST = bytes(70_000)
BOMBS = {
    "array 32": b"\xdd\xff\xff\xff\xff",
    "array 16, again and again": b"\xdc\xff\xff" * 100 + REST,
    "array 16, again and again, in few bytes": b"\xdc\x00\xb0" * 58,
    "array 32, again and again": b"\xdd\x00\x01\x00\x00" * 100 + REST,
    "map 32": b"\xdf\xff\xff\xff\xff",
    "map 16, again and again": (b"\xde\xff\xff" + b"\x01") * 100 + REST,
    "fixed array, again and again": b"\x9f" * 1000,
    "bin 32": b"\xc6\xff\xff\xff\xff",
    "str 32": b"\xdb\xff\xff\xff\xff",
    "ext 32": b"\xc9\xff\xff\xff\xff\x05",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_lengths_that_are_only_announced_cost_no_memory(bomb: bytes) -> None:
    for data in (bomb, request_of(MSGPACK, bomb)):
        tracemalloc.start()
        malformed(partial(read, MSGPACK, ANYTHING, data))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200_000 + 10 * len(data)


def count(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(count(key) + count(item) for key, item in value.items())
    return 1 + sum(map(count, value)) if type(value) is list else 1


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(alphabet=',:[{"\\xé\x80', max_size=40) | st.sampled_from(["y" * 300, "z" * 70_000])
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=20),
)


@pytest.mark.slow
@given(value=VALUES, raw=st.sampled_from([b"", b"\x80" * 40, b"\x80" * 300, b"\x80" * 70_000]))
def test_values_of_msgpack_are_counted_exactly(value: Any, raw: bytes) -> None:
    value = [value, raw, msgpack.ExtType(1, raw), 1]
    data = pack(value)
    assert not MSGPACK.holds_more(data, count(value))
    assert MSGPACK.holds_more(data, count(value) - 1)


@pytest.mark.slow
@given(value=VALUES)
def test_values_of_json_are_counted_with_empty_lists_and_maps_as_two(value: Any) -> None:
    data = json.dumps([value]).encode()
    assert not JSON.holds_more(data, 2 * count([value]))
    assert JSON.holds_more(data, count([value]) - 1) or len(data) <= 2 * count([value])


@pytest.mark.parametrize("codec", BOTH)
def test_commas_and_brackets_in_texts_are_no_values(codec: Codec) -> None:
    data = request_of(codec, json.dumps(',[:{"' * 50_000).encode() if codec is JSON else pack(",[:{" * 50_000))
    assert not codec.holds_more(data, 100)


@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_counted_without_an_error(data: bytes) -> None:
    for codec in BOTH:
        codec.holds_more(data * 20, 10)


@pytest.mark.parametrize("key", [msgpack.ExtType(1, b"%d" % 2**70), msgpack.Timestamp(1)], ids=["integer", "time"])
def test_an_extension_type_is_no_key(key: Any) -> None:
    data = request_of(MSGPACK, b"\x81" + pack(key) + b"\x01")
    assert "an extension type is the key of a map" in malformed(lambda: read(MSGPACK, ANYTHING, data))
    assert read(MSGPACK, ANYTHING, request_of(MSGPACK, pack([key]))) is not None
