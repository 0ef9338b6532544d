"""Arguments by name: what travels, what the server makes of it, and what it refuses."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, cast

import msgpack
import pytest

from service_core.arguments import NOT_GIVEN
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, MethodCodec


class Bank(Service):
    @abstractmethod
    def pay(self, payer: str, payee: str, *, limit: int = 10, note: str = "none") -> str: ...


class Older(Service):
    @abstractmethod
    def pay(self, payee: str, payer: str) -> str: ...


def method_codec(interface: type) -> MethodCodec:
    service = describe_service(interface, "bank", "")
    component = ComponentDescriptor(name="c", type=object, description="", services=(service,))
    return MethodCodec(component, service, service.methods["pay"])


PAY, OLDER = method_codec(Bank), method_codec(Older)


def pack(value: Any) -> bytes:
    return cast(bytes, msgpack.packb(value))


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


WRITERS: list[tuple[Codec, Callable[[Any], bytes]]] = [(JSON, dump), (JSON, compact), (MSGPACK, pack)]
UNPACK: dict[Codec, Callable[[bytes], Any]] = {JSON: json.loads, MSGPACK: msgpack.unpackb}


def read(codec: Codec, known: MethodCodec, data: bytes) -> Any:
    return codec.read_arguments(known, codec.read_request(data))


def request(names: Any, args: Any) -> dict[str, Any]:
    return {"method": "c:bank:pay", "names": names, "args": args}


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(
    ("given", "names", "args"),
    [
        (("a", "b"), ["payer", "payee"], ["a", "b"]),
        (("a", "b", 3), ["payer", "payee", "limit"], ["a", "b", 3]),
        (("a", "b", NOT_GIVEN, "x"), ["payer", "payee", None, "note"], ["a", "b", 10, "x"]),
    ],
)
def test_what_is_not_given_does_not_travel_or_only_fills_its_place(
    codec: Codec, given: tuple[Any, ...], names: list[Any], args: list[Any]
) -> None:
    written = codec.write_request(PAY, given)
    assert UNPACK[codec](written) == request(names, args)
    assert read(codec, PAY, written) == given


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(
    ("names", "args", "arguments"),
    [
        (["payee", "payer"], ["b", "a"], ("a", "b")),
        (["note", "payee", "payer"], ["x", "b", "a"], ("a", "b", NOT_GIVEN, "x")),
        (["payer", None, "payee"], ["a", [{}], "b"], ("a", "b")),
        (["payer", "payee", None], ["a", "b", "no number"], ("a", "b")),
    ],
)
def test_arguments_belong_to_names(
    codec: Codec, write: Callable[[Any], bytes], names: list[Any], args: list[Any], arguments: tuple[Any, ...]
) -> None:
    assert read(codec, PAY, write(request(names, args))) == arguments


@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_by_hand_arguments_are_a_map(codec: Codec, write: Callable[[Any], bytes]) -> None:
    data = write({"method": "c:bank:pay", "kwargs": {"payee": "b", "payer": "a", "note": "x"}})
    assert read(codec, PAY, data) == ("a", "b", NOT_GIVEN, "x")


@pytest.mark.parametrize(("codec", "write"), WRITERS)
def test_without_names_arguments_are_taken_by_place(codec: Codec, write: Callable[[Any], bytes]) -> None:
    data = write({"method": "c:bank:pay", "args": ["a", "b", 3]})
    assert read(codec, PAY, data) == ("a", "b", 3)
    with pytest.raises(ArgumentException) as caught:
        read(codec, PAY, write({"method": "c:bank:pay", "args": ["a"]}))
    assert [place["loc"] for place in caught.value.details] == [["payee"]]


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(
    "wrong",
    [
        request(["payer", "payee"], ["a"]),
        request(["payer", "payee"], ["a", "b", 1]),
        request(["payer", "payee", "limit"], ["a", "b"]),
        request([], ["a", "b"]),
        request(["payer", "payer"], ["a", "b"]),
        request(["payer", "payee", "payee"], ["a", "b", "b"]),
        request(["payer", 5], ["a", "b"]),
        request("payer", ["a"]),
        request({"payer": "a"}, ["a"]),
        {"method": "c:bank:pay", "kwargs": ["a", "b"]},
        {"method": "c:bank:pay", "kwargs": {"payer": "a"}, "args": ["a", "b"]},
        {"method": "c:bank:pay", "kwargs": {"payer": "a"}, "names": ["payer"]},
    ],
)
def test_names_that_are_not_those_of_the_arguments_are_malformed(
    codec: Codec, write: Callable[[Any], bytes], wrong: dict[str, Any]
) -> None:
    with pytest.raises(MalformedData):
        read(codec, PAY, write(wrong))


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize(
    ("names", "parameter", "reason"),
    [
        (["payer", "payee", "deep"], "deep", "there is no parameter 'deep' here"),
        (["payer", "payee", "a]b"], "a]b", "there is no parameter 'a]b' here"),
        (["payer", "payee", "größe"], "größe", "there is no parameter 'größe' here"),
        (["payer"], "payee", "the parameter 'payee' is needed here and was not given"),
        ([], "payer", "the parameter 'payer' is needed here and was not given"),
    ],
)
def test_another_interface_is_refused_with_parameter_signature_and_page(
    codec: Codec, write: Callable[[Any], bytes], names: list[str], parameter: str, reason: str
) -> None:
    with pytest.raises(ContractMismatchException) as caught:
        read(codec, PAY, write(request(names, ["a"] * len(names))))
    error, signature = caught.value, "pay(payer: str, payee: str, *, limit: int = ..., note: str = ...) -> str"
    assert error.message == (
        f"the interfaces of caller and server differ: Bank.pay: {reason}; the server has '{signature}'; "
        f"see the page 'Change an interface' of the documentation"
    )
    assert error.details == {"parameter": parameter, "signature": signature}
    assert (error.code, error.may_have_run) == (ErrorCode.INVALID_ARGUMENT, False)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_parameters_in_another_order_get_their_own_arguments(codec: Codec) -> None:
    assert read(codec, OLDER, codec.write_request(PAY, ("a", "b"))) == ("b", "a")
    assert read(codec, PAY, codec.write_request(OLDER, ("b", "a"))) == ("a", "b")


@pytest.mark.parametrize(("codec", "write"), WRITERS)
@pytest.mark.parametrize("names", [["payer", "payee", "limit"], ["limit", "payee", "payer"]])
def test_a_wrong_argument_is_named_in_any_order(codec: Codec, write: Callable[[Any], bytes], names: list[str]) -> None:
    args = [{"payer": "a", "payee": "b", "limit": "many"}[name] for name in names]
    with pytest.raises(ArgumentException) as caught:
        read(codec, PAY, write(request(names, args)))
    assert [place["loc"] for place in caught.value.details] == [["limit"]]
