"""Errors of ``@raises`` travel with their fields."""

from __future__ import annotations

import json
from dataclasses import InitVar, dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import pytest
from pydantic import BaseModel, ValidationError

from service_core import errors
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ErrorCode, RemoteServiceException
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec, WireError, error_from_wire, error_to_wire
from service_core.wire.failures.declared_errors import DeclaredError


class Place(BaseModel):
    city: str


@dataclass
class OrderNotFound(Exception):
    """A dataclass of one field."""

    order: int


@dataclass
class OrderExists(Exception):
    """A dataclass of all kinds of fields."""

    order: int
    since: date
    raw: bytes = b""
    tags: set[str] = field(default_factory=set, kw_only=True)
    hint: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        return f"{self.order} exists since {self.since}{self.hint}"


class OutOfStock(Exception):
    """Has an __init__ of its own, with a message that tells more than its fields."""

    code = ErrorCode.RESOURCE_EXHAUSTED

    def __init__(self, item: str, left: Decimal, *, place: Place | None = None) -> None:
        super().__init__(f"{item}: {left} left, password hunter2")
        self.item, self.left, self.place = item, left, place


class Plain(Exception):
    """Keeps its arguments."""


class PlainAfterAll(Plain):
    def __init__(self, what: str) -> None:
        super().__init__("because of", what)
        self.what = what


class MuchTooPlain(OutOfStock):
    """A subclass that is not declared."""

    def __init__(self) -> None:
        super().__init__("book", Decimal(0))
        self.secret = "hunter2"


DECLARED = {cls.__name__: DeclaredError(cls, "Shop.order") for cls in (OrderNotFound, OrderExists, OutOfStock, Plain)}

ERRORS: list[Exception] = [
    OrderNotFound(5),
    OrderExists(5, date(2020, 1, 1)),
    OrderExists(5, date(2020, 1, 1), b"\xff", tags={"a"}, hint="!"),
    OutOfStock("book", Decimal("1.50"), place=Place(city="Köln")),
    Plain(),
    Plain("a", 5, None, ["b"]),
]


def method_codec() -> MethodCodec:
    class Shop(Service):
        def order(self) -> None: ...

    service = describe_service(Shop, "shop", "")
    component = ComponentDescriptor(name="test", type=object, description="", services=(service,))
    return MethodCodec(component, service, service.methods["order"])


def travel(codec: Codec, error: Exception, declared: dict[str, DeclaredError] = DECLARED, **reported: Any) -> Exception:
    """What arrives."""
    answer = codec.read_response(method_codec(), codec.write_error(error_to_wire(error, declared=DECLARED, **reported)))
    assert isinstance(answer, WireError)
    return error_from_wire(answer, where="Shop.order", declared=declared)


# declared errors


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_declared_error_arrives_as_the_same_class_with_the_same_fields(codec: Codec, error: Exception) -> None:
    arrived = travel(codec, error)
    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_a_declared_error_has_the_code_of_its_class() -> None:
    assert error_to_wire(OrderNotFound(5), declared=DECLARED).code is ErrorCode.FAILED_PRECONDITION
    assert error_to_wire(OutOfStock("book", Decimal(1)), declared=DECLARED).code is ErrorCode.RESOURCE_EXHAUSTED
    assert DECLARED["OutOfStock"].code is ErrorCode.RESOURCE_EXHAUSTED


def test_a_subclass_of_a_declared_error_arrives_as_that_without_more() -> None:
    wire = error_to_wire(MuchTooPlain(), declared=DECLARED)
    assert (wire.type, wire.message) == ("OutOfStock", "")
    assert "hunter2" not in repr(wire)
    arrived = error_from_wire(wire, where="Shop.order", declared=DECLARED)
    assert type(arrived) is OutOfStock
    assert arrived.item == "book"


def test_a_subclass_of_a_plain_error_arrives_with_its_arguments() -> None:
    arrived = travel(JSON, PlainAfterAll("dust"))
    assert (type(arrived), arrived.args) == (Plain, ("because of", "dust"))


def test_another_class_of_the_same_name_is_not_the_declared_one() -> None:
    impostor = type("OrderNotFound", (Exception,), {})("hunter2")
    wire = error_to_wire(impostor, declared=DECLARED)
    assert (wire.type, wire.code, wire.details, wire.message) == ("OrderNotFound", ErrorCode.INTERNAL, None, "")
    arrived = error_from_wire(wire, where="Shop.order", declared=DECLARED)
    assert type(arrived) is RemoteServiceException
    assert arrived.type == "OrderNotFound"


class ImportFailed(Exception):
    """Keeps its arguments."""


class RowFailed(Exception):
    def __init__(self, row: int, cause: Any) -> None:
        super().__init__(f"row {row}")
        self.row, self.cause = row, cause


PARTIAL = {**DECLARED, **{cls.__name__: DeclaredError(cls, "Shop.order") for cls in (ImportFailed, RowFailed)}}


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(
    ("error", "sent", "missing"),
    [
        (OrderNotFound(cast(Any, "five")), {}, ["order"]),
        (OutOfStock("book", cast(Any, "few")), {"item": "book", "place": None}, ["left"]),
        (ImportFailed("row 3", ValueError("no number")), {"args": ["row 3"]}, ["args"]),
        (ImportFailed("cannot read \udcff.csv", 3), {"args": [3]}, ["args"]),
        (ImportFailed(float("nan")), {"args": []}, ["args"]),
        (RowFailed(3, ValueError("no number")), {"row": 3}, ["cause"]),
    ],
    ids=repr,
)
def test_a_field_that_cannot_travel_leaves_the_name_of_the_class_and_the_other_fields(
    codec: Codec, error: Exception, sent: Any, missing: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    wire = error_to_wire(error, declared=PARTIAL)
    answer = codec.read_response(method_codec(), codec.write_error(wire))
    arrived = error_from_wire(answer, where="Shop.order", declared=PARTIAL)
    assert isinstance(arrived, RemoteServiceException)
    assert (arrived.type, arrived.code) == (type(error).__name__, wire.code)
    assert arrived.details == {"sent": sent, "missing": missing}
    assert f"fields that cannot travel ({', '.join(missing)})" in caplog.text


def test_an_attribute_that_is_not_there_is_missing() -> None:
    error = OutOfStock("book", Decimal(1))
    del error.left
    wire = error_to_wire(error, declared=DECLARED)
    assert wire.details == {"sent": {"item": "book", "place": None}, "missing": ["left"]}


# dataclasses


@dataclass(frozen=True)
class Frozen(Exception):
    number: int


@dataclass(slots=True)
class Slotted(Exception):
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlottedKeywords(Exception):
    number: int
    since: date = date(2020, 1, 1)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("error", [Frozen(1), Slotted(1), FrozenSlottedKeywords(number=1)], ids=repr)
def test_a_dataclass_of_any_kind_arrives_with_its_fields(codec: Codec, error: Any) -> None:
    declared = {type(error).__name__: DeclaredError(type(error), "Shop.order")}
    answer = codec.read_response(method_codec(), codec.write_error(error_to_wire(error, declared=declared)))
    arrived = error_from_wire(answer, where="Shop.order", declared=declared)
    assert type(arrived) is type(error)
    names = [one.name for one in fields(cast(Any, error))]
    assert [getattr(arrived, name) for name in names] == [getattr(error, name) for name in names]


def test_a_field_that_only_the_constructor_takes_is_refused() -> None:
    @dataclass
    class Scaled(Exception):
        number: int
        factor: InitVar[int]

    Scaled.__init__.__annotations__.update(number=int, factor=InitVar[int])
    with pytest.raises(errors.DeclarationException, match=r"^Shop\.order: error Scaled: "):
        DeclaredError(Scaled, "Shop.order")


# errors of the standard library


def opened(path: str) -> Exception:
    try:
        open(path).close()  # noqa: PTH123
    except OSError as error:
        return error
    raise AssertionError


def decoded(data: bytes) -> Exception:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


def state(error: BaseException) -> Any:
    names = (
        "errno",
        "strerror",
        "filename",
        "filename2",
        "encoding",
        "object",
        "start",
        "end",
        "reason",
        "name",
        "path",
    )
    return type(error), error.args, str(error), [getattr(error, name, None) for name in names]


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(
    ("declared_as", "error"),
    [
        (FileNotFoundError, opened("/nowhere/at all")),
        (OSError, opened("/nowhere/at all")),
        (OSError, OSError("only a text")),
        (OSError, OSError(18, "cross-device link", "from", None, "to")),
        (UnicodeDecodeError, decoded(b"a\xff")),
        (ImportError, ImportError("no such module", name="a.b", path="/a/b.py")),
        (NameError, NameError("not defined", name="x")),
        (KeyError, KeyError("key")),
        (ZeroDivisionError, ZeroDivisionError()),
    ],
    ids=repr,
)
def test_an_error_of_the_standard_library_arrives_with_its_own_fields(
    codec: Codec, declared_as: type[Exception], error: Exception
) -> None:
    declared = {declared_as.__name__: DeclaredError(declared_as, "Shop.order")}
    answer = codec.read_response(method_codec(), codec.write_error(error_to_wire(error, declared=declared)))
    arrived = error_from_wire(answer, where="Shop.order", declared=declared)
    assert state(arrived) == state(error)


@pytest.mark.parametrize("cls", [ExceptionGroup, InvalidOperation, ValidationError, json.JSONDecodeError])
def test_an_error_that_cannot_be_made_again_is_refused(cls: type[Exception]) -> None:
    with pytest.raises(errors.DeclarationException, match=rf"^Shop\.order: error {cls.__name__} cannot be sent"):
        DeclaredError(cls, "Shop.order")


# versions


def version(**hints: Any) -> dict[str, DeclaredError]:
    """Another version of OrderNotFound."""

    def init(self: Any, order: int = -1, customer: str = "unknown") -> None:
        self.order, self.customer = order, customer

    init.__annotations__ = hints
    return {"OrderNotFound": DeclaredError(type("OrderNotFound", (Exception,), {"__init__": init}), "Shop.order")}


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_field_that_the_other_side_does_not_have_yet_has_its_default(codec: Codec) -> None:
    arrived: Any = travel(codec, OrderNotFound(5), version(order=int, customer=str))
    assert (type(arrived).__name__, arrived.order, arrived.customer) == ("OrderNotFound", 5, "unknown")


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_field_of_another_type_leaves_an_error_that_is_less_precise(codec: Codec) -> None:
    arrived = travel(codec, OrderNotFound(5), version(order=date, customer=str), correlation_id="c1")
    assert type(arrived) is RemoteServiceException
    assert (arrived.type, arrived.code, arrived.correlation_id) == (
        "OrderNotFound",
        ErrorCode.FAILED_PRECONDITION,
        "c1",
    )


def test_a_class_that_cannot_be_made_leaves_an_error_that_is_less_precise() -> None:
    class OrderNotFound(Exception):
        def __init__(self, order: int) -> None:
            raise ValueError(order)

    declared = {"OrderNotFound": DeclaredError(OrderNotFound, "Shop.order")}
    wire = WireError(type="OrderNotFound", details={"fields": {"order": 5}})
    assert type(error_from_wire(wire, where="Shop.order", declared=declared)) is RemoteServiceException


@pytest.mark.parametrize("details", [None, "text", [], {}, {"field": 1}])
def test_a_declared_name_without_fields_is_an_error_that_is_less_precise(details: Any) -> None:
    wire = WireError(type="OrderNotFound", details=details)
    assert type(error_from_wire(wire, where="Shop.order", declared=DECLARED)) is RemoteServiceException
