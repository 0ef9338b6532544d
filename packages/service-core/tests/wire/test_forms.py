"""The forms that values have on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from echo_method import method_codec, travel
from pydantic import BaseModel, ConfigDict, Field, computed_field

from service_core.errors import ArgumentException
from service_core.wire import JSON, MSGPACK, Codec


@dataclass
class Tree:
    value: bytes
    children: list[Tree] = field(default_factory=list)


class Named(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    metadata: bytes = Field(alias="Meta-Data")
    size: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.size


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_fields_travel_under_their_names_and_computed_ones_not_at_all(codec: Codec) -> None:
    value = Named.model_validate({"metadata": b"a", "size": 1})
    written = codec.write_result(method_codec(Named), value)
    assert b"metadata" in written
    assert b"Meta-Data" not in written
    assert b"twice" not in written
    assert codec.read_response(method_codec(Named), written) == value


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_an_alias_is_no_name_of_a_field(codec: Codec) -> None:
    request = codec.read_request(codec.write_request(method_codec(Any), ({"Meta-Data": "", "size": 1},)))
    with pytest.raises(ArgumentException, match=r"value\.metadata: Field required"):
        codec.read_arguments(method_codec(Named), request)


def test_bytes_are_base64_in_json_and_raw_in_msgpack() -> None:
    method = method_codec(Tree)
    assert JSON.write_result(method, Tree(b"\xff\xfe")) == (
        b'{"result":{"value":"__4=","children":[]},"exception":null}'
    )
    assert b"\xc4\x02\xff\xfe" in MSGPACK.write_result(method, Tree(b"\xff\xfe"))


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("number", [2**63, 2**64, -(2**64), 10**400])
def test_numbers_have_no_greatest(codec: Codec, number: int) -> None:
    assert travel(codec, method_codec(int), number) == [number, number]


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_what_is_meant_for_json_is_used_for_msgpack_too(codec: Codec) -> None:
    assert travel(codec, method_codec(ZoneInfo), ZoneInfo("UTC")) == [ZoneInfo("UTC")] * 2


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_an_object_of_a_subclass_with_further_fields_is_refused(codec: Codec) -> None:
    method = method_codec(Tree)
    assert travel(codec, method, Tree(b"x"))[0] == Tree(b"x")

    @dataclass
    class More(Tree):
        secret: str = "hunter2"

    for value in (More(b"x"), Tree(b"x", [More(b"y")])):
        with pytest.raises(ArgumentException, match=r"^Echo\.echo: .* class More has fields .*: secret; declare More,"):
            codec.write_request(method, (value,))


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_an_object_of_a_subclass_without_further_fields_travels(codec: Codec) -> None:
    class Same(Tree): ...

    assert travel(codec, method_codec(Tree), Same(b"x")) == [Tree(b"x")] * 2
