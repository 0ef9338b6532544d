"""Heads that repeat: what is read of them is what the parser reads, for the heads of every client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_server_fastapi import ServerSettings
from service_server_fastapi.http1.head_cache import HeadCache, RepeatedRequest
from service_server_fastapi.http1.reader import RejectedBytes, RequestReader
from service_server_fastapi.http1.request import CompleteRequest, IncomingRequest
from service_server_fastapi.requests.fast_path import FastPath
from service_server_fastapi.requests.peer import ConnectionInfo

OURS = (
    b"POST /invoke HTTP/1.1\r\nhost: a:1\r\nuser-agent: service\r\ncontent-type: application/msgpack\r\n"
    b"x-deadline-ms: %(ms)b\r\nx-correlation-id: %(id)b\r\ncontent-length: %(size)d\r\n\r\n%(body)b"
)
CURL = (
    b"POST /invoke HTTP/1.1\r\nHost: a:1\r\nUser-Agent: curl/8\r\nAccept: */*\r\n"
    b"Content-Length: %(size)d\r\nContent-Type: application/json\r\n\r\n%(body)b"
)
TRACED = (
    b"POST /invoke HTTP/1.1\r\nHost: a:1\r\nConnection: keep-alive\r\ntraceparent: %(id)b\r\n"
    b"Authorization: Bearer %(id)b\r\nContent-Length: %(size)d\r\n\r\n%(body)b"
)
JAVA = (
    b"POST /invoke HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %(size)d\r\nHost: a:1\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAA\r\nUpgrade: h2c\r\nContent-Type: application/json\r\n\r\n%(body)b"
)
READ = b"GET /a/b?c=d HTTP/1.1\r\nHost: a:1\r\nX-Correlation-Id: %(id)b\r\nAccept: */*\r\n\r\n"
FIXED = b"GET /a HTTP/1.1\r\nHost: a:1\r\n\r\n"
HEADS = (OURS, CURL, TRACED, JAVA, READ, FIXED)
ENDPOINT = ConnectionInfo(server=("a", 1), client=("b", 2), peer=None, scheme="http", root_path="", state={}, app=None)
DIRECT = cast(FastPath, object())
SETTINGS = ServerSettings(max_header_bytes=1024, max_body_bytes=100)


def request(head: bytes, body: bytes = b"abc", ms: bytes = b"999", one: bytes = b"c-1") -> bytes:
    return head % {b"body": body, b"size": len(body), b"ms": ms, b"id": one}


def parsed(data: bytes) -> IncomingRequest | None:
    """What the parser makes of the bytes if they are one request."""
    reader = RequestReader(SETTINGS.max_header_bytes, websockets=True)
    try:
        reader.feed(data)
    except RejectedBytes:
        return None
    one = reader.waiting[0] if len(reader.waiting) == 1 else None
    return one if one is not None and one.body.is_complete and not reader.is_in_head else None


def cache_of(data: bytes) -> HeadCache:
    """A cache that has seen a request."""
    cache, first = HeadCache(ENDPOINT, SETTINGS), parsed(data)
    assert first is not None
    cache.remember(data, first, DIRECT)
    return cache


def facts(one: IncomingRequest) -> list[Any]:
    """All that a request holds."""
    plain = [one.method, one.target, one.version, one.headers, one.fields, one.hosts, one.keep_alive, one.is_plain]
    return [*plain, one.is_upgrade, one.is_websocket, one.body.is_complete, one.body.take()]


def same(repeated: RepeatedRequest, data: bytes) -> bool:
    """Whether the request is what the parser makes of the same bytes."""
    whole = parsed(data)
    return whole is not None and facts(repeated.restored()) == facts(whole)


@pytest.mark.parametrize("head", HEADS)
def test_a_repeated_head_with_other_values_is_what_the_parser_reads(head: bytes) -> None:
    body = b"other" if b"%(body)b" in head else b""
    second = request(head, body, b"12", b"c-2/+")
    repeated = cache_of(request(head)).read(second)
    assert repeated is not None
    assert repeated.body == body
    assert repeated.fast_path is DIRECT
    assert same(repeated, second)


def test_the_context_is_that_of_the_request() -> None:
    repeated = cache_of(request(TRACED)).read(request(TRACED, one=b"00-abc-01"))
    assert repeated is not None
    assert (repeated.context.traceparent, repeated.context.token) == ("00-abc-01", "00-abc-01")
    repeated = cache_of(request(OURS)).read(request(OURS, one=b"c-2"))
    assert repeated is not None
    assert repeated.context.correlation_id == "c-2"
    assert repeated.context.deadline is not None
    assert repeated.content_type == "application/msgpack"


@pytest.mark.parametrize("ms", [b"0", b"12", b"007", b"9" * 12])
def test_the_deadline_and_the_id_are_those_that_the_parser_leads_to(ms: bytes) -> None:
    second = request(OURS, ms=ms, one=b"a:b/c+d=e_f-1.2" * 8)
    repeated, whole = cache_of(request(OURS)).read(second), parsed(second)
    assert repeated is not None
    assert whole is not None
    one, other = repeated.context, CompleteRequest(whole, ENDPOINT).context
    assert one.deadline is not None
    assert other.deadline is not None
    left = other.deadline.expires_at - other.received_at
    assert one.deadline.expires_at - one.received_at == pytest.approx(left)
    assert replace(one, deadline=None) == replace(other, deadline=None)


def test_the_scope_has_the_values_of_the_request() -> None:
    repeated = cache_of(request(READ)).read(request(READ, one=b"c-2"))
    assert repeated is not None
    assert (b"x-correlation-id", b"c-2") in repeated.scope["headers"]
    assert (repeated.scope["path"], repeated.scope["query_string"]) == ("/a/b", b"c=d")
    assert repeated.scope is repeated.scope


@pytest.mark.parametrize(
    "second",
    [
        request(OURS)[:-1],
        request(OURS) + b"d",
        request(OURS) + request(OURS),
        request(OURS).replace(b"a:1", b"a:2"),
        request(OURS).replace(b"length: 3", b"length: 03"),
        request(OURS).replace(b"length: 3", b"length: +3"),
        request(OURS).replace(b"length: 3\r\n", b"length: 3\r\ncontent-length: 3\r\n"),
        request(OURS).replace(b"length: 3\r\n", b"length: 3\r\nconnection: close\r\n"),
        request(OURS).replace(b"c-1", b"c-1\r\nhost: b"),
        request(OURS).replace(b"c-1", b"c-1\n host: b"),
        request(OURS).replace(b"c-1", b"\x00"),
        request(OURS, one=b"c 1"),
        request(OURS, one=b"a" * 129),
        request(OURS, ms=b"1e3"),
        request(OURS, ms=b"1" * 13),
        request(OURS).replace(b"c-1", b"a" * SETTINGS.max_header_bytes),
        request(OURS, b"a" * (SETTINGS.max_body_bytes + 1)),
    ],
)
def test_what_differs_elsewhere_or_exceeds_a_limit_goes_to_the_parser(second: bytes) -> None:
    assert cache_of(request(OURS)).read(second) is None


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx-correlation-id: a\r\nx-correlation-id: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx-correlation-id:  a\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 00\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nx-correlation-id: a\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
        b"\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
def test_a_head_that_may_mean_more_than_its_lines_is_not_remembered(first: bytes) -> None:
    assert parsed(first) is not None
    assert cache_of(first).read(first) is None


def test_heads_that_all_differ_are_not_remembered_for_ever() -> None:
    cache = cache_of(request(OURS))
    for number in range(100):
        data = request(OURS).replace(b"a:1", b"a:%d" % number)
        one = parsed(data)
        assert one is not None
        cache.remember(data, one, DIRECT)
    assert cache.read(request(OURS).replace(b"a:1", b"a:99")) is None


@given(
    st.sampled_from(HEADS),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.binary(max_size=3)), max_size=3),
)
def test_changed_bytes_are_read_as_by_the_parser_or_not_at_all(
    head: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    cache, data = cache_of(request(head)), request(head)
    for place, length, put in edits:
        data = data[:place] + put + data[place + length :]
    repeated = cache.read(data)
    assert repeated is None or same(repeated, data)
