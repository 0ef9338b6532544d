"""What is sent to a caller about a failure, and the exception that it becomes there."""

from __future__ import annotations

from typing import Any

import pytest

from service_core import errors
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import ErrorCode, RemoteServiceException, ServiceCommunicationException, ServiceException
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec, WireError, error_from_wire, error_to_wire, token_error


def method_codec() -> MethodCodec:
    class Shop(Service):
        def order(self) -> None: ...

    service = describe_service(Shop, "shop", "")
    component = ComponentDescriptor(name="test", type=object, description="", services=(service,))
    return MethodCodec(component, service, service.methods["order"])


def travel(codec: Codec, error: Exception, **reported: Any) -> Exception:
    """What arrives."""
    answer = codec.read_response(method_codec(), codec.write_error(error_to_wire(error, declared={}, **reported)))
    assert isinstance(answer, WireError)
    return error_from_wire(answer, where="Shop.order", declared={})


# errors that are not declared


@pytest.mark.parametrize("expose", [False, True])
def test_of_another_error_only_the_name_is_sent_unless_the_server_exposes_it(expose: bool) -> None:
    wire = error_to_wire(LookupError("hunter2"), declared={}, correlation_id="c1", expose=expose)
    assert wire == WireError(
        type="LookupError", code=ErrorCode.INTERNAL, message="hunter2" if expose else "", correlation_id="c1"
    )


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_another_error_arrives_with_name_code_and_correlation_id(codec: Codec) -> None:
    arrived = travel(codec, LookupError("hunter2"), correlation_id="c1")
    assert isinstance(arrived, RemoteServiceException)
    assert str(arrived) == "Shop.order failed on the server: LookupError (logged there under c1)"
    assert (arrived.type, arrived.code, arrived.correlation_id) == ("LookupError", ErrorCode.INTERNAL, "c1")


def test_a_refused_call_is_not_said_to_be_logged_on_the_server() -> None:
    wire = WireError(type="ArgumentException", code=ErrorCode.INVALID_ARGUMENT, message="no", correlation_id="c1")
    refused = error_from_wire(wire, where="Shop.order", declared={}, refused=True)
    assert str(refused) == "Shop.order was refused by the server: no (correlation id c1)"


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


class Stolen(errors.InvalidTokenException):
    """An error of an implementation that callers do not know."""


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("AuthorizationException", "not allowed"),
        ("TokenException", "not allowed"),
        ("InvalidTokenException", "the token is not accepted"),
        (
            "MissingTokenException",
            "a token is needed; write connect(..., token=...), or give the channel a token_provider",
        ),
        ("TokenExpiredException", "the token has expired"),
    ],
)
@pytest.mark.parametrize("refused", [False, True])
def test_authorization_errors_arrive_as_what_they_are(name: str, reported: str, refused: bool) -> None:
    wire = error_to_wire(getattr(errors, name)("no"), declared={}, correlation_id="c1")
    arrived = error_from_wire(wire, where="Shop.order", declared={}, refused=refused)
    assert type(arrived).__name__ == name
    assert str(arrived) == f"Shop.order: {reported}"
    assert isinstance(arrived, ServiceException)
    assert arrived.correlation_id == "c1"


def test_an_unknown_error_that_refuses_a_caller_arrives_as_the_one_that_it_is_made_of() -> None:
    wire = error_to_wire(Stolen("no"), declared={})
    assert type(error_from_wire(wire, where="Shop.order", declared={}, refused=True)) is errors.InvalidTokenException


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
    arrived = error_from_wire(wire, where="Shop.order", declared={}, refused=True)
    assert type(arrived) is kind
    assert "Shop.order" in str(arrived)
    assert "no" in str(arrived)
    assert (arrived.code, arrived.details, arrived.correlation_id) == (code, [1], "c1")


def test_a_refusal_for_now_says_when_to_retry_and_that_nothing_has_run() -> None:
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
        (
            "",
            "MissingTokenException",
            "Shop.order: a token is needed; write connect(..., token=...), or give the channel a token_provider",
        ),
        (
            "Bearer",
            "MissingTokenException",
            "Shop.order: a token is needed; write connect(..., token=...), or give the channel a token_provider",
        ),
        ('Bearer error="invalid_token"', "InvalidTokenException", "Shop.order: the token is not accepted"),
        (
            'Bearer error="invalid_token", error_description="The token Expired"',
            "TokenExpiredException",
            "Shop.order: the token has expired",
        ),
    ],
)
def test_a_challenge_distinguishes_token_errors(header: str, name: str, message: str) -> None:
    error = token_error(header, "Shop.order")
    assert (type(error).__name__, str(error)) == (name, message)
