"""Fields of a caller's objects: unknown ones with a value are refused, those with the caller's default are ignored."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NotRequired

import msgpack
import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ArgumentException, ContractMismatchException
from service_core.rest import RouteCodec
from service_core.rest.verbs import Route
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, MethodCodec
from service_core.wire.methods.sent_fields import SentFields


def taking(*types: Any) -> MethodCodec:
    """A method whose parameters have these types."""

    source = ", ".join(f"p{number}" for number in range(len(types)))
    scope: dict[str, Any] = {}
    exec(f"def take(self, {source}): ...", scope)
    scope["take"].__annotations__ = {f"p{number}": kind for number, kind in enumerate(types)} | {"return": None}
    service = describe_service(type("Stock", (Service,), {"take": abstractmethod(scope["take"])}), "stock", "")
    component = ComponentDescriptor(name="c", type=object, description="", services=(service,))
    return MethodCodec(component, service, service.methods["take"])


def carried(codec: Codec, caller: MethodCodec, server: MethodCodec, *arguments: Any) -> Any:
    return codec.read_arguments(server, codec.read_request(codec.write_request(caller, arguments)))


def refusal(codec: Codec, caller: MethodCodec, server: MethodCodec, *arguments: Any) -> str:
    with pytest.raises(ContractMismatchException) as caught:
        carried(codec, caller, server, *arguments)
    assert not caught.value.may_have_run
    return str(caught.value)


CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


class Old:
    """The older version of each class."""

    class Line(BaseModel):
        sku: str

    @dataclass
    class Item:
        number: int
        lines: list[Old.Line] = field(default_factory=list)

    class Options(TypedDict):
        name: str


class New:
    """The newer version, with further fields."""

    class Line(BaseModel):
        sku: str
        weight: float = 1.0
        price: Decimal = Decimal("0.5")
        tags: list[str] = Field(default_factory=list)

    @dataclass
    class Item:
        number: int
        lines: list[New.Line] = field(default_factory=list)
        note: str | None = None
        made: date = date(2024, 1, 1)

    class Options(TypedDict):
        name: str
        size: NotRequired[int]


# Their forward references are those of this module.
OLD_ITEM, NEW_ITEM = taking(Old.Item), taking(New.Item)


@CODECS
def test_new_fields_that_have_their_defaults_are_ignored_at_any_depth(codec: Codec) -> None:
    assert carried(codec, NEW_ITEM, OLD_ITEM, New.Item(3, [New.Line(sku="a")])) == (Old.Item(3, [Old.Line(sku="a")]),)


@CODECS
@pytest.mark.parametrize(
    ("item", "place"),
    [
        (New.Item(3, note=""), "p0.note"),
        (New.Item(3, made=date(2024, 1, 2)), "p0.made"),
        (New.Item(3, [New.Line(sku="a"), New.Line(sku="b", weight=2)]), "p0.lines.1.weight"),
        (New.Item(3, [New.Line(sku="a", price=Decimal("0.50"))]), "p0.lines.0.price"),
        (New.Item(3, [New.Line(sku="a", tags=["x"])]), "p0.lines.0.tags"),
    ],
)
def test_a_new_field_with_another_value_is_refused_by_its_place(codec: Codec, item: New.Item, place: str) -> None:
    message = refusal(codec, NEW_ITEM, OLD_ITEM, item)
    assert f"the field '{place}' has a value and is not known here" in message
    assert "take(p0: " in message


@CODECS
def test_a_caller_without_the_new_fields_is_served(codec: Codec) -> None:
    assert carried(codec, OLD_ITEM, NEW_ITEM, Old.Item(3, [Old.Line(sku="a")])) == (New.Item(3, [New.Line(sku="a")]),)


@CODECS
def test_a_new_key_of_a_typed_dict_is_refused_if_it_is_there(codec: Codec) -> None:
    caller, server = taking(New.Options), taking(Old.Options)
    assert carried(codec, caller, server, {"name": "a"}) == ({"name": "a"},)
    assert "'p0.size'" in refusal(codec, caller, server, {"name": "a", "size": 1})


@CODECS
def test_a_default_that_both_know_travels(codec: Codec) -> None:
    caller, server = _with_default(1), _with_default(2)
    (arrived,) = carried(codec, caller, server, caller.method.parameters[0].annotation())
    assert arrived.size == 1


def _with_default(value: int) -> MethodCodec:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        size: int = value

    return taking(Box)


@CODECS
def test_a_field_without_a_default_that_the_server_does_not_know_is_refused(codec: Codec) -> None:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        size: int

    caller = taking(Box)

    class Box(BaseModel):  # type: ignore[no-redef]
        pass

    assert "'p0.size'" in refusal(codec, caller, taking(Box), caller.method.parameters[0].annotation(size=1))


@CODECS
def test_a_default_made_anew_for_each_object_is_a_value(codec: Codec) -> None:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        id: int = Field(default_factory=lambda: 7)

    caller, box = taking(Box), Box()

    class Box(BaseModel):  # type: ignore[no-redef]
        pass

    assert "'p0.id'" in refusal(codec, caller, taking(Box), box)


@CODECS
def test_types_of_parameters_that_change_places_are_noticed(codec: Codec) -> None:
    caller, server = taking(Old.Options, New.Options), taking(New.Options, Old.Options)
    assert "'p1.size'" in refusal(codec, caller, server, {"name": "a"}, {"name": "b", "size": 1})


@CODECS
def test_a_class_that_keeps_or_reads_other_fields_itself_is_given_them(codec: Codec) -> None:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        size: int
        note: str = ""

    caller, box = taking(Box), Box(size=1, note="x")

    class Box(BaseModel):  # type: ignore[no-redef]
        model_config = ConfigDict(extra="allow")
        size: int

    (open_,) = carried(codec, caller, taking(Box), box)
    assert open_.model_extra == {"note": "x"}

    class Box(BaseModel):  # type: ignore[no-redef]
        text: str

        @model_validator(mode="before")
        @classmethod
        def read_old_names(cls, data: Any) -> Any:
            return {"text": data["note"]}

    (migrated,) = carried(codec, caller, taking(Box), box)
    assert migrated.text == "x"


@CODECS
def test_of_a_union_the_member_that_knows_the_fields_is_read(codec: Codec) -> None:
    class Cat(BaseModel):
        lives: int

    class Dog(BaseModel):
        collar: str

    caller = taking(Cat | Dog)

    class Fish(BaseModel):
        scales: int

    server = taking(Cat | Dog | Fish)
    assert carried(codec, caller, server, Dog(collar="red")) == (Dog(collar="red"),)


# requests of others


def test_unknown_fields_of_a_request_without_digest_are_ignored() -> None:
    data = json.dumps({"method": "c:stock:take", "args": [{"number": 3, "x": 1}]}).encode()
    assert JSON.read_arguments(OLD_ITEM, JSON.read_request(data)) == (Old.Item(3),)
    by_hand = json.dumps({"method": "c:stock:take", "kwargs": {"p0": {"number": 3, "x": 1}}}).encode()
    assert JSON.read_arguments(OLD_ITEM, JSON.read_request(by_hand)) == (Old.Item(3),)


@pytest.mark.parametrize("fields", ["", 1, [], [1], {}, [None, {}]])
def test_fields_in_another_form_are_malformed(fields: Any) -> None:
    data = {"method": "c:stock:take", "names": ["p0"], "fields": fields, "args": [{"number": 3}]}
    for codec, written in ((JSON, json.dumps(data).encode()), (MSGPACK, msgpack.packb(data))):
        with pytest.raises(MalformedData, match="'fields'"):
            codec.read_arguments(OLD_ITEM, codec.read_request(written or b""))


def test_defaults_in_another_form_are_none() -> None:
    assert SentFields.read(["x", {"Item": 1, "Line": {"a": 1}}]).defaults == {"Line": {"a": 1}}
    assert SentFields.read(["x", 1]).defaults == {}


# items of a stream


@CODECS
def test_items_of_a_stream_are_read_as_arguments_are(codec: Codec) -> None:
    caller, server = taking(Iterator[New.Line]), taking(Iterator[Old.Line])
    assert codec.input_items(server, codec.write_request(server, ())) is server.input_items
    wire = codec.input_items(server, codec.write_request(caller, ()))
    assert wire is not None
    assert caller.input_items is not None
    plain, given = codec.write_value(caller.input_items, [New.Line(sku="a")]), [New.Line(sku="a", weight=2)]
    assert codec.read_value(wire, plain) == [Old.Line(sku="a")]
    with pytest.raises(ArgumentException, match=r"items of parameter 'p0': 0\.weight: The field has a value"):
        codec.read_value(wire, codec.write_value(caller.input_items, given))


@CODECS
def test_a_method_without_a_stream_has_no_items(codec: Codec) -> None:
    assert codec.input_items(OLD_ITEM, codec.write_request(OLD_ITEM, (Old.Item(3),))) is None


# the form


def test_arguments_without_objects_have_no_fields() -> None:
    assert taking(int, list[str], dict[str, int]).sent_fields(as_json=True) is None


def test_a_request_has_the_digest_and_the_defaults() -> None:
    written = json.loads(JSON.write_request(NEW_ITEM, (New.Item(3),)))
    assert written["fields"][1] == {
        "Item": {"lines": [], "note": None, "made": "2024-01-01"},
        "Line": {"weight": 1.0, "price": "0.5", "tags": []},
    }


def test_long_defaults_stay_at_home_and_the_digest_travels() -> None:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        text: str = "x" * 2000

    sent = taking(Box).sent_fields(as_json=True)
    assert sent is not None
    assert len(sent.written) == 1


def test_recursive_types_have_fields() -> None:
    sent = taking(Tree).sent_fields(as_json=True)
    assert sent is not None
    assert sent.defaults == {"Tree": {"left": None, "names": []}}


class Tree(BaseModel):
    left: Tree | None = None
    names: list[str] = Field(default_factory=list)


# REST


class OldAliases:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        size: int = Field(alias="Size")


class NewAliases:
    class Box(BaseModel):  # pyright: ignore[reportRedeclaration]
        size: int = Field(alias="Size")
        note: str = Field(default="-", alias="Note")


def route(kind: Any) -> RouteCodec:
    method = taking(kind).method
    service = describe_service(type("Stock", (Service,), {"take": method.function}), "stock", "")
    component = SimpleNamespace(name="c")
    return RouteCodec(component, service, service.methods["take"], Route(verb="POST", path="/take"))  # type: ignore[arg-type]


def test_rest_lists_the_fields_of_the_body_under_their_aliases() -> None:
    old, new = route(OldAliases.Box), route(NewAliases.Box)
    given = new.write((NewAliases.Box(Size=1, Note="x"),))
    assert "Note" in given.arguments
    body = old.sent(given.arguments).body
    assert body is not None
    left = new.write((NewAliases.Box(Size=1),))
    assert body.from_json(left.body or b"") == OldAliases.Box(Size=1)
    with pytest.raises(ContractMismatchException, match=r"'p0\.Note'"), old.call.arguments.comparing_fields():
        body.from_json(given.body or b"")


def test_rest_lists_the_fields_of_items_of_a_stream() -> None:
    old, new = route(Iterator[Old.Line]), route(Iterator[New.Line])
    assert old.sent(old.write(()).arguments).body is None
    items = old.sent(new.write(()).arguments).body
    assert items is not None
    assert items.from_json(new.write_input([New.Line(sku="a")])) == Old.Line(sku="a")
    with pytest.raises(ArgumentException, match="The field has a value and is not known here"):
        items.from_json(new.write_input([New.Line(sku="a", weight=2)]))


def test_rest_reads_a_body_with_the_same_fields_as_ever() -> None:
    known = route(OldAliases.Box)
    assert known.sent(known.write((OldAliases.Box(Size=1),)).arguments).body is None
