"""What a caller is told about a failure, and what becomes of it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic import BaseModel

from service_core import errors
from service_core.descriptors import ComponentDescriptor, describe_service
from service_core.errors import ErrorCode, RemoteServiceException, ServiceCommunicationException, ServiceException
from service_core.interfaces import Service
from service_core.wire import JSON, MSGPACK, Codec, MethodPlan, WireError, error_from_wire, error_to_wire, token_error
from service_core.wire.plan import DeclaredError


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
    """A subclass that nobody declared."""

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


def plan() -> MethodPlan:
    class Shop(Service):
        def order(self) -> None: ...

    service = describe_service(Shop, "shop", "")
    component = ComponentDescriptor(name="test", type=object, description="", services=(service,))
    return MethodPlan(component, service, service.methods["order"])


def travel(codec: Codec, error: Exception, declared: dict[str, DeclaredError] = DECLARED, **told: Any) -> Exception:
    """What arrives."""
    answer = codec.read_response(plan(), codec.write_error(error_to_wire(error, declared=DECLARED, **told)))
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


def test_a_subclass_of_a_declared_error_arrives_as_that_and_tells_no_more() -> None:
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


@pytest.mark.parametrize("error", [OrderNotFound(cast(Any, "five")), OutOfStock("book", cast(Any, "few"))], ids=repr)
def test_a_declared_error_with_wrong_fields_is_refused(error: Exception) -> None:
    with pytest.raises(errors.ArgumentException, match=rf"^Shop\.order: error {type(error).__name__}: "):
        error_to_wire(error, declared=DECLARED)


def test_a_declared_error_without_its_fields_is_refused() -> None:
    error = OutOfStock("book", Decimal(1))
    del error.left
    with pytest.raises(AttributeError, match="left"):
        error_to_wire(error, declared=DECLARED)


# versions


def version(**hints: Any) -> dict[str, DeclaredError]:
    """Another version of OrderNotFound."""

    def init(self: Any, order: int = -1, customer: str = "nobody") -> None:
        self.order, self.customer = order, customer

    init.__annotations__ = hints
    return {"OrderNotFound": DeclaredError(type("OrderNotFound", (Exception,), {"__init__": init}), "Shop.order")}


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_field_that_the_other_side_does_not_have_yet_has_its_default(codec: Codec) -> None:
    arrived: Any = travel(codec, OrderNotFound(5), version(order=int, customer=str))
    assert (type(arrived).__name__, arrived.order, arrived.customer) == ("OrderNotFound", 5, "nobody")


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


# errors that are not declared


@pytest.mark.parametrize("expose", [False, True])
def test_of_another_error_only_the_name_is_told_unless_the_server_exposes_it(expose: bool) -> None:
    wire = error_to_wire(LookupError("hunter2"), declared=DECLARED, correlation_id="c1", expose=expose)
    assert wire == WireError(
        type="LookupError", code=ErrorCode.INTERNAL, message="hunter2" if expose else "", correlation_id="c1"
    )


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_another_error_arrives_with_name_code_and_correlation_id(codec: Codec) -> None:
    arrived = travel(codec, LookupError("hunter2"), correlation_id="c1")
    assert isinstance(arrived, RemoteServiceException)
    assert str(arrived) == "Shop.order failed on the server: LookupError (logged there under c1)"
    assert (arrived.type, arrived.code, arrived.correlation_id) == ("LookupError", ErrorCode.INTERNAL, "c1")


def test_an_error_without_a_message_is_an_error_too() -> None:
    for codec in (JSON, MSGPACK):
        assert str(travel(codec, LookupError())) == "Shop.order failed on the server: LookupError"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ServiceException("x", code=ErrorCode.NOT_FOUND), ErrorCode.NOT_FOUND),
        (errors.DeadlineExceeded("x"), ErrorCode.DEADLINE_EXCEEDED),
        (errors.ServiceCommunicationException("x"), ErrorCode.UNAVAILABLE),
        (errors.ArgumentException("of a call that the implementation makes"), ErrorCode.INTERNAL),
        (errors.DeclarationException("x"), ErrorCode.INTERNAL),
        (KeyboardInterrupt(), ErrorCode.INTERNAL),
    ],
)
def test_errors_of_the_tree_have_their_code_but_mistakes_of_the_server_are_internal(
    error: BaseException, code: ErrorCode
) -> None:
    assert error_to_wire(error, declared={}).code is code


@pytest.mark.parametrize("name", ["AuthorizationException", "TokenException", "InvalidTokenException",
                                  "MissingTokenException", "TokenExpiredException"])  # fmt: skip
@pytest.mark.parametrize("refused", [False, True])
def test_authorization_errors_arrive_as_what_they_are(name: str, refused: bool) -> None:
    wire = error_to_wire(getattr(errors, name)("no"), declared={}, correlation_id="c1")
    arrived = error_from_wire(wire, where="Shop.order", declared={}, refused=refused)
    assert type(arrived).__name__ == name
    assert str(arrived) == "Shop.order: not allowed"
    assert isinstance(arrived, ServiceException)
    assert arrived.correlation_id == "c1"


# refusals


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.UNAVAILABLE, ServiceCommunicationException),
        (ErrorCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (ErrorCode.UNAUTHENTICATED, errors.TokenException),
        (ErrorCode.PERMISSION_DENIED, errors.AuthorizationException),
        (ErrorCode.INVALID_ARGUMENT, RemoteServiceException),
        (ErrorCode.NOT_FOUND, RemoteServiceException),
        (ErrorCode.INTERNAL, RemoteServiceException),
    ],
)
def test_a_refusal_is_an_error_by_its_code(code: ErrorCode, kind: type[ServiceException]) -> None:
    wire = WireError(code=code, message="no", details=[1], correlation_id="c1")
    arrived = error_from_wire(wire, where="Shop.order", declared=DECLARED, refused=True)
    assert type(arrived) is kind
    assert "Shop.order" in str(arrived)
    assert "no" in str(arrived)
    assert (arrived.code, arrived.details, arrived.correlation_id) == (code, [1], "c1")


def test_who_was_refused_for_now_knows_when_to_come_back_and_that_nothing_has_run() -> None:
    wire = WireError(code=ErrorCode.UNAVAILABLE)
    arrived = error_from_wire(wire, where="Shop.order", declared={}, refused=True, retry_after=2.5)
    assert isinstance(arrived, ServiceCommunicationException)
    assert (arrived.retry_after, arrived.may_have_run) == (2.5, False)
    assert str(arrived) == "Shop.order: unavailable"


def test_what_ran_and_could_not_reach_others_is_a_failure_there() -> None:
    wire = WireError(code=ErrorCode.UNAVAILABLE, type="ServiceCommunicationException")
    assert type(error_from_wire(wire, where="Shop.order", declared={})) is RemoteServiceException


# what others send


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("it failed", WireError(message="it failed")),
        (5, WireError(message="a failure of an unknown form: int")),
        ([], WireError(message="a failure of an unknown form: list")),
        ({}, WireError()),
        ({"code": "not_found", "type": "A"}, WireError(code=ErrorCode.NOT_FOUND, type="A")),
        ({"code": "new", "message": 5, "type": None, "correlation_id": 5, "more": 1}, WireError()),
        ({"code": [], "details": {"a": 1}, "correlation_id": "c"}, WireError(details={"a": 1}, correlation_id="c")),
    ],
)
def test_failures_are_read_in_whatever_form(data: Any, error: WireError) -> None:
    assert WireError.from_data(data) == error


@pytest.mark.parametrize(
    ("header", "name", "message"),
    [
        ("", "MissingTokenException", "Shop.order: a token is needed"),
        ("Bearer", "MissingTokenException", "Shop.order: a token is needed"),
        ('Bearer error="invalid_token"', "InvalidTokenException", "Shop.order: the token is not accepted"),
        (
            'Bearer error="invalid_token", error_description="The token Expired"',
            "TokenExpiredException",
            "Shop.order: the token has expired",
        ),
    ],
)
def test_a_challenge_tells_token_errors_apart(header: str, name: str, message: str) -> None:
    error = token_error(header, "Shop.order")
    assert (type(error).__name__, str(error)) == (name, message)
