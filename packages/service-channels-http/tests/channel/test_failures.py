"""One table of failures: the same exception over all channels, for sync and async callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from scripted_server import Received, Script, serving, unused_url
from shop_interface import ALL_CHANNELS, CALLS, CHANNELS, Call, OrderNotFound, bound, outcome, refuse, shop_over

from service_channels_http import HTTPXChannel, RestChannel
from service_core import (
    AuthorizationException,
    ContractMismatchException,
    DeadlineExceeded,
    ErrorCode,
    InvalidTokenException,
    MissingTokenException,
    Policy,
    ProtocolException,
    RemoteServiceException,
    ServiceCommunicationException,
    TokenException,
    TokenExpiredException,
)
from service_core.wire import WireError

JSON, MSGPACK = "application/json", "application/msgpack"
NULL = {JSON: b'{"result":null,"exception":null}', MSGPACK: b"\x82\xa6result\xc0\xa9exception\xc0"}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a server does, and what the caller of a method that is not idempotent gets."""

    name: str
    script: Script
    error: type[Exception]
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    not_rest: bool = False
    """Whether it belongs to the format of calls, and is none for a plain request."""


def answer(status: int, body: bytes = b"", content_type: str = "", **headers: str) -> Script:
    return lambda request: request.answer(status, body, content_type, **headers)


def in_format(write: Callable[[str], tuple[int, bytes, str]]) -> Script:
    """Answer as ``write`` says for the content type of the request."""
    return lambda request: request.answer(*write(request.headers["content-type"]))


def announce_much(request: Received) -> None:
    request.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n")
    request.wait_until_left()


def send_half(request: Received) -> None:
    request.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"res')
    request.reset()


REFUSED = WireError(type="Refused", message="reason", correlation_id="c-2")
MAY_HAVE_RUN = {"may_have_run": True}
NOT_RUN = {"may_have_run": False}


def coded(code: ErrorCode) -> WireError:
    return WireError(type="Refused", code=code, message="reason", correlation_id="c-2")


FAILURES = [
    # the connection
    Failure(
        name="reset after the request",
        script=Received.reset,
        error=ServiceCommunicationException,
        message="the connection was lost before the answer was complete; the call may have run",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="closed without an answer",
        script=lambda request: request.connection.shutdown(2),
        error=ServiceCommunicationException,
        message="no complete HTTP answer before the connection ended; the call may have run",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="reset within the answer",
        script=send_half,
        error=ServiceCommunicationException,
        message="the call may have run",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="no HTTP",
        script=lambda request: request.send(b"220 mail.example.org ESMTP\r\n\r\n"),
        error=ServiceCommunicationException,
        message="no complete HTTP answer",
        fields=MAY_HAVE_RUN,
    ),
    # answers of something else
    Failure(
        name="a web page",
        script=answer(200, b"<html>secret</html>", "text/html; charset=utf-8"),
        error=ProtocolException,
        message="answered with content type 'text/html'; check that the address is that of a service",
        fields={
            **MAY_HAVE_RUN,
            "details": {
                "status": 200,
                "content_type": "text/html; charset=utf-8",
                "start": "b'<html>secret</html>'",
            },
        },
    ),
    Failure(
        name="no content type",
        script=answer(200, b"{}"),
        error=ProtocolException,
        message="answered with content type ''",
    ),
    Failure(
        name="a redirect",
        script=answer(307, location="http://127.0.0.1:1/invoke"),
        error=ProtocolException,
        message="answered with HTTP 307, which is neither",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="no content",
        script=answer(204),
        error=ProtocolException,
        message="answered with HTTP 204",
        not_rest=True,
    ),
    Failure(
        name="truncated data",
        script=in_format(lambda kind: (200, NULL[kind][:-1], kind)),
        error=ProtocolException,
        message="the answer cannot be read: not valid",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="garbage",
        script=in_format(lambda kind: (200, b"\xc1garbage", kind)),
        error=ProtocolException,
        message="the answer cannot be read: not valid",
    ),
    Failure(
        name="no envelope",
        script=in_format(lambda kind: (200, b"[]" if kind == JSON else b"\x90", kind)),
        error=ProtocolException,
        message="must be a map with 'result' and 'exception'",
        not_rest=True,
    ),
    Failure(
        name="a result of another type",
        script=in_format(lambda kind: (200, NULL[kind], kind)),
        error=ContractMismatchException,
        message=r"fit: result: Input should be a valid (list|array); it is (None|a dict); the caller has 'place",
    ),
    Failure(
        name="a compressed answer",
        script=answer(200, b"\x1f\x8b", JSON, content_encoding="gzip"),
        error=ProtocolException,
        message="compressed although the request did not accept that",
    ),
    # failures of gateways
    Failure(
        name="502 of a gateway",
        script=answer(502, b"<html>", "text/html"),
        error=ServiceCommunicationException,
        message="HTTP 502 from a gateway or a server of another kind; check the address; the call may have run",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="504 of a gateway",
        script=answer(504),
        error=ServiceCommunicationException,
        message="HTTP 504 from a gateway or a server of another kind",
        fields=MAY_HAVE_RUN,
    ),
    Failure(
        name="503 of a gateway",
        script=answer(503, retry_after="7"),
        error=ServiceCommunicationException,
        message="HTTP 503",
        fields={**MAY_HAVE_RUN, "retry_after": 7.0},
    ),
    # refusals in the envelope
    Failure(
        name="unavailable",
        script=refuse(503, coded(ErrorCode.UNAVAILABLE), retry_after="2"),
        error=ServiceCommunicationException,
        message="reason",
        fields={**NOT_RUN, "retry_after": 2.0, "correlation_id": "c-2"},
    ),
    Failure(
        name="deadline exceeded there",
        script=refuse(504, coded(ErrorCode.DEADLINE_EXCEEDED)),
        error=DeadlineExceeded,
        message="reason",
    ),
    Failure(
        name="not found",
        script=refuse(404, coded(ErrorCode.NOT_FOUND)),
        error=RemoteServiceException,
        message="was refused by the server: reason",
        fields={"code": ErrorCode.NOT_FOUND, "type": "Refused", "correlation_id": "c-2"},
    ),
    Failure(
        name="a declared error that is no outcome",
        script=refuse(500, WireError(type="OrderNotFound", details={"fields": {"number": 3}})),
        error=RemoteServiceException,  # place() does not declare it
        message="OrderNotFound",
    ),
    Failure(
        name="permission denied",
        script=refuse(403, coded(ErrorCode.PERMISSION_DENIED)),
        error=AuthorizationException,
        message="reason",
        fields={"code": ErrorCode.PERMISSION_DENIED},
    ),
    Failure(
        name="unauthenticated",
        script=refuse(401, coded(ErrorCode.UNAUTHENTICATED)),
        error=TokenException,
        message="reason",
    ),
    Failure(
        name="a token error by name",
        script=refuse(401, WireError(type="TokenExpiredException", code=ErrorCode.UNAUTHENTICATED)),
        error=TokenExpiredException,
        message="the token has expired",
    ),
    Failure(
        name="a refusal in JSON, whatever was sent",
        script=answer(415, b'{"result":null,"exception":{"code":"invalid_argument","message":"reason"}}', JSON),
        error=RemoteServiceException,
        message="reason",
        fields={"code": ErrorCode.INVALID_ARGUMENT},
        not_rest=True,
    ),
    # refusals of middleware
    Failure(
        name="401 with an invalid token",
        script=answer(401, www_authenticate='Bearer error="invalid_token"'),
        error=InvalidTokenException,
        message="the token is not accepted",
    ),
    Failure(
        name="401 with an expired token",
        script=answer(401, www_authenticate='Bearer error="invalid_token", error_description="The token expired"'),
        error=TokenExpiredException,
        message="the token has expired",
    ),
    Failure(
        name="401 without a token",
        script=answer(401, b'{"detail":"Not authenticated"}', JSON, www_authenticate="Bearer"),
        error=MissingTokenException,
        message="a token is needed",
    ),
    Failure(
        name="403 of middleware",
        script=answer(403, b"no", "text/plain"),
        error=AuthorizationException,
        message="HTTP 403",
        fields={"details": {"status": 403, "content_type": "text/plain", "start": "b'no'"}},
    ),
    Failure(
        name="404 of another server",
        script=answer(404, b'{"detail":"Not Found"}', JSON),
        error=ProtocolException,
        message="HTTP 404 from a gateway or a server of another kind; check the address; the call may have run",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.NOT_FOUND},
        not_rest=True,
    ),
    Failure(
        name="405 of another server",
        script=answer(405, b'{"detail":"Method Not Allowed"}', JSON),
        error=ProtocolException,
        message="HTTP 405 from a gateway or a server of another kind; check the address",
        fields=MAY_HAVE_RUN,
        not_rest=True,
    ),
    Failure(
        name="400 of another server",
        script=answer(400, b'{"detail":"no tenant"}', JSON),
        error=RemoteServiceException,
        message="failed on the server: no tenant",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.INVALID_ARGUMENT},
    ),
    Failure(
        name="413 of a gateway",
        script=answer(413, b'{"message":"too large"}', JSON),
        error=ProtocolException,
        message="HTTP 413 from a gateway or a server of another kind",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.INVALID_ARGUMENT},
    ),
    Failure(
        name="429 of a gateway",
        script=answer(429, retry_after="90000"),
        error=ProtocolException,
        message="HTTP 429 from a gateway or a server of another kind",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.RESOURCE_EXHAUSTED, "retry_after": 90000.0},
    ),
    Failure(
        name="500 of aspyx",
        script=answer(500, b"Internal Server Error", "text/plain; charset=utf-8"),
        error=ProtocolException,
        message="HTTP 500 from a gateway or a server of another kind",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.INTERNAL},
    ),
    Failure(
        name="unavailable, raised by the method",
        script=outcome(coded(ErrorCode.UNAVAILABLE)),
        error=RemoteServiceException,
        message="failed on the server: Refused: reason",
        fields={**MAY_HAVE_RUN, "code": ErrorCode.UNAVAILABLE},
    ),
    Failure(
        name="a failure downstream",
        script=outcome(WireError(type="Refused", downstream=True)),
        error=RemoteServiceException,
        message="failed on the server: Refused",
        fields={**MAY_HAVE_RUN, "downstream": True},
    ),
    # outcomes
    Failure(
        name="an exception as text, as aspyx sends it",
        script=answer(200, b'{"result":null,"exception":"kaputt"}', JSON),
        error=RemoteServiceException,
        message="failed on the server: kaputt",
        not_rest=True,
    ),
    Failure(
        name="an exception with an empty message",
        script=answer(200, b'{"result":null,"exception":""}', JSON),
        error=RemoteServiceException,
        message="failed on the server: internal",
        not_rest=True,
    ),
]


@pytest.mark.parametrize(
    ("failure", "channel"),
    [
        pytest.param(failure, channel, id=f"{failure.name}-{channel.__name__}")
        for failure in FAILURES
        for channel in ALL_CHANNELS
        if not (failure.not_rest and issubclass(channel, RestChannel))
    ],
)
@pytest.mark.parametrize("call", CALLS)
def test_a_failure_is_the_same_exception_everywhere(failure: Failure, channel: type[HTTPXChannel], call: Call) -> None:
    with serving(failure.script) as server:
        bound_channel = bound(channel(), server.url)
        bound_channel.policy = Policy.none()
        with pytest.raises(failure.error, match=failure.message) as caught:
            call(shop_over(bound_channel), "place", {"number": 1})
        bound_channel.close()
    assert type(caught.value) is failure.error
    assert {name: getattr(caught.value, name) for name in failure.fields} == failure.fields
    assert "secret" not in str(caught.value)
    assert f"of component 'shop-component' at {server.url}/" in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("channel", ALL_CHANNELS)
@pytest.mark.parametrize("call", CALLS)
def test_an_address_without_a_server_is_a_failure_that_did_not_run(channel: type[HTTPXChannel], call: Call) -> None:
    url = unused_url()
    bound_channel = bound(channel(), url)
    with pytest.raises(ServiceCommunicationException, match=f"at {url}/.*: cannot connect") as caught:
        call(shop_over(bound_channel), "place", {"number": 1})
    bound_channel.close()
    assert not caught.value.may_have_run


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "not an http or https address"),
        ("ftp://127.0.0.1", "not an http or https address"),
        ("http://[::1", "not a valid address"),
        ("http://127.0.0.1:port", "not a valid address"),
        ("http://127.0.0.1:99999", "not a valid address"),
        ("http://a..b", "not a valid address|cannot connect"),
        (f"http://{64 * 'a'}.de", "not a valid address|cannot connect"),
    ],
)
@pytest.mark.parametrize("channel_class", CHANNELS)
@pytest.mark.parametrize("call", CALLS)
def test_an_address_that_is_none_is_not_contacted(
    url: str, reason: str, channel_class: type[HTTPXChannel], call: Call
) -> None:
    channel = bound(channel_class(), url)
    with pytest.raises(ServiceCommunicationException, match=reason) as caught:
        call(shop_over(channel), "place", {"number": 1})
    channel.close()
    assert not caught.value.may_have_run


@pytest.mark.parametrize("call", CALLS)
def test_secrets_of_an_address_are_not_shown(call: Call) -> None:
    url = unused_url().replace("//", "//user:secret@")
    channel = bound(CHANNELS[0](), url)
    with pytest.raises(ServiceCommunicationException) as caught:
        call(shop_over(channel), "place", {"number": 1})
    channel.close()
    assert "secret" not in str(caught.value)
    assert "user" not in str(caught.value)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "script",
    [
        announce_much,
        lambda request: request.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"3e8\r\n"
            + b"x" * 1000
            + b"\r\n3e8\r\n"
            + b"x" * 1000
            + b"\r\n0\r\n\r\n"
        ),
    ],
    ids=["announced", "chunked"],
)
def test_an_answer_that_is_too_large_is_not_read(script: Script, channel: type[HTTPXChannel], call: Call) -> None:
    with serving(script) as server:
        bound_channel = bound(channel(), server.url)
        bound_channel.max_response_bytes = 1500
        with pytest.raises(ProtocolException, match="larger than 1500 bytes; let the method return less") as caught:
            call(shop_over(bound_channel), "place", {"number": 1})
        server.wait_for_connections(0)
        bound_channel.close()
    assert caught.value.may_have_run


@pytest.mark.parametrize("call", CALLS)
def test_a_declared_error_of_another_version_stays_an_error(call: Call) -> None:
    body = b'{"result":null,"exception":{"type":"OrderNotFound","details":{"fields":{"id":"x"}}}}'
    with serving(answer(200, body, JSON)) as server:
        channel = bound(CHANNELS[0](), server.url)
        with pytest.raises(RemoteServiceException, match="OrderNotFound"):
            call(shop_over(channel), "find", 1)
        channel.close()


@pytest.mark.parametrize("call", CALLS)
def test_a_declared_error_may_come_as_a_refusal(call: Call) -> None:
    error = WireError(type="OrderNotFound", details={"fields": {"number": 3}})
    with serving(refuse(404, error)) as server:
        channel = bound(CHANNELS[0](), server.url)
        with pytest.raises(OrderNotFound) as caught:
            call(shop_over(channel), "find", 1)
        channel.close()
    assert caught.value.number == 3
