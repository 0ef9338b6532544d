"""Large requests in any form that is allowed are read in pieces, with the result and the refusals of small ones."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, cast

import msgpack
import pytest
from pydantic import BaseModel
from pydantic_core import from_json

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException, ContractMismatchException
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, MethodCodec
from service_core.wire import json as json_codec
from service_core.wire import msgpack as msgpack_codec
from service_core.wire.large_values.envelopes import cut_request
from service_core.wire.large_values.reading import LONG, READ_PIECE
from service_core.wire.msgpack_io import unpack
from service_core.wire.values import WireType


class Line(BaseModel):
    article: str
    amount: int = 1


class Shop(Service):
    @abstractmethod
    def order(self, lines: list[Line], prices: dict[str, float], note: str = "") -> None: ...


SERVICE = describe_service(Shop, "shop", "")
COMPONENT = ComponentDescriptor(name="c", type=object, description="", services=(SERVICE,))
ORDER = MethodCodec(COMPONENT, SERVICE, SERVICE.methods["order"])

NOTE = "NaN, and Infinity"
LINES = [{"article": f"{NOTE} {number}", "amount": number} for number in range(5_000)]
PRICES = {f"article {number}": number / 2 for number in range(5_000)}
EXPECTED = ([Line(**line) for line in LINES], PRICES, NOTE)  # type: ignore[arg-type]
NAMED = {"lines": LINES, "prices": PRICES, "note": NOTE}
FORMS: dict[str, dict[str, Any]] = {
    "by place": {"args": [LINES, PRICES, NOTE]},
    "by name": {"names": list(NAMED), "args": list(NAMED.values())},
    "in another order": {"names": ["note", "prices", "lines"], "args": [NOTE, PRICES, LINES]},
    "with what only fills a place": {"args": [LINES, LINES, PRICES, NOTE], "names": ["lines", None, "prices", "note"]},
    "by hand": {"kwargs": NAMED},
    "with fields": {"fields": None, "names": list(NAMED), "args": list(NAMED.values())},
}


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def indented(value: Any) -> bytes:
    return json.dumps(value, indent=4).encode()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


WRITERS: list[tuple[Codec, Callable[[Any], bytes]]] = [
    (JSON, dump),
    (JSON, indented),
    (JSON, compact),
    (MSGPACK, pack),
]
IDS = ["json, blanks", "json, lines", "json, compact", "msgpack"]


def call(members: dict[str, Any], *, first: bool = True) -> dict[str, Any]:
    method = {"method": "c:shop:order"}
    return method | members if first else members | method


def read(codec: Codec, data: bytes) -> Any:
    return codec.read_arguments(ORDER, codec.read_request(data))


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each document that is read at once."""
    sizes = list[int]()

    def noted(function: Callable[..., Any], at: int) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            sizes.append(len(args[at]))
            return function(*args, **options)

        return call

    monkeypatch.setattr(json_codec, "from_json", noted(from_json, 0))
    monkeypatch.setattr(msgpack_codec, "unpack", noted(unpack, 0))
    monkeypatch.setattr(WireType, "from_json", noted(WireType.from_json, 1))
    return sizes


@pytest.mark.parametrize(("codec", "write"), WRITERS, ids=IDS)
@pytest.mark.parametrize("members", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("first", [True, False], ids=["method first", "method last"])
def test_a_large_request_is_read_in_pieces(
    codec: Codec, write: Callable[[Any], bytes], members: dict[str, Any], first: bool, documents: list[int]
) -> None:
    data = write(call(members, first=first))
    assert len(data) > LONG
    assert read(codec, data) == EXPECTED
    assert max(documents, default=0) <= 2 * READ_PIECE


@pytest.mark.parametrize(("codec", "write"), WRITERS, ids=IDS)
@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"names": ["lines", "prices", "remark"], "args": [LINES, PRICES, ""]}, "there is no parameter 'remark' here"),
        ({"names": ["lines", "note"], "args": [LINES, ""]}, "the parameter 'prices' is needed here"),
        ({"kwargs": {"lines": LINES, "price": PRICES}}, "there is no parameter 'price' here"),
    ],
)
def test_names_of_a_large_request_are_compared(
    codec: Codec, write: Callable[[Any], bytes], members: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(ContractMismatchException, match=refusal):
        read(codec, write(call(members)))


@pytest.mark.parametrize(("codec", "write"), WRITERS, ids=IDS)
@pytest.mark.parametrize(
    "members",
    [
        {"kwargs": {"lines": [*LINES, {}], "prices": PRICES}},
        {"names": ["prices", "lines"], "args": [PRICES, [*LINES, {}]]},
        {"args": [[*LINES, {}], PRICES]},
    ],
)
def test_a_wrong_value_has_its_place(codec: Codec, write: Callable[[Any], bytes], members: dict[str, Any]) -> None:
    with pytest.raises(ArgumentException) as caught:
        read(codec, write(call(members)))
    assert caught.value.details[0]["loc"] == ["lines", len(LINES), "article"]


@pytest.mark.parametrize(("codec", "write"), WRITERS, ids=IDS)
@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        ([LINES, LINES], "must be a map"),
        ({"args": LINES}, "must have 'method', a string"),
        ({"method": 1, "args": LINES}, "must have 'method', a string"),
        (call({"args": PRICES}), "'args', a list"),
        (call({"kwargs": LINES}), "'kwargs', a map"),
        (call({"args": LINES, "kwargs": PRICES}), "'args', a list, or 'kwargs', a map"),
        (call({"args": [LINES], "kwargs": {}}), "'args', a list, or 'kwargs', a map"),
        (call({"kwargs": NAMED, "names": ["lines"]}), "'args', a list"),
        (call({"names": ["lines"], "args": [LINES, PRICES]}), "as long as 'args'"),
        (call({"names": {"lines": 0}, "args": [LINES, PRICES]}), "as long as 'args'"),
        (call({"names": ["lines", "lines"], "args": [LINES, PRICES]}), "named twice"),
        (call({"other": LINES, "args": []}), "beside its arguments"),
    ],
)
def test_an_envelope_that_is_wrong_is_malformed(
    codec: Codec, write: Callable[[Any], bytes], request_: Any, refusal: str
) -> None:
    with pytest.raises(MalformedData, match=refusal):
        cut_request(codec.splitter(write(request_)))


@pytest.mark.parametrize("large", [True, False])
def test_arguments_that_come_twice_are_malformed(large: bool) -> None:
    args = compact([LINES, PRICES]) if large else b"[]"
    data = b'{"method": "c:shop:order", "args": %s, "args": %s}' % (args, compact([LINES, PRICES]))
    with pytest.raises(MalformedData, match="arguments twice"):
        JSON.read_request(data)


def test_nan_in_a_large_request_is_malformed() -> None:
    data = dump(call({"args": [LINES, PRICES | {"a": float("nan")}, NOTE]}))
    with pytest.raises(MalformedData, match="not valid JSON"):
        read(JSON, data)
