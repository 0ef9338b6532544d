"""Requests out of bytes: framing, sizes and counts, however the bytes are divided."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service_server_fastapi.http1.reader import RejectedBytes, RequestReader

GET = b"GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
CHUNKED = (
    b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nhost: z\r\n\r\n"
)
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAA\r\n"
LIMIT = 1024

Read = tuple[str, bytes, bytes, bool]


def read(*parts: bytes) -> list[Read]:
    """Method, target and body of the requests in some parts, and whether the body is complete."""
    reader = RequestReader(LIMIT, websockets=True)
    for part in parts:
        reader.feed(part)
    return [(one.method, one.target, one.body.take(), one.body.is_complete) for one in reader.waiting]


def with_offer(request: bytes) -> bytes:
    """The request with the offer to go on in HTTP/2."""
    return request.replace(b"host: x\r\n", b"host: x\r\n" + UPGRADE)


ACCEPTED: list[tuple[bytes, list[Read]]] = [
    (GET, [("GET", b"/a?b", b"", True)]),
    (POST, [("POST", b"/a", b"abc", True)]),
    (POST[:-1], [("POST", b"/a", b"ab", False)]),
    (CHUNKED, [("POST", b"/a", b"abc", True)]),
    (GET + POST + CHUNKED, [("GET", b"/a?b", b"", True), ("POST", b"/a", b"abc", True), ("POST", b"/a", b"abc", True)]),
    (b"\r\n\r\n" + GET, [("GET", b"/a?b", b"", True)]),
    (with_offer(GET) + POST, [("GET", b"/a?b", b"", True), ("POST", b"/a", b"abc", True)]),
    (with_offer(POST) + GET, [("POST", b"/a", b"abc", True), ("GET", b"/a?b", b"", True)]),
    (with_offer(CHUNKED) + GET, [("POST", b"/a", b"abc", True), ("GET", b"/a?b", b"", True)]),
    (with_offer(POST)[:-2], [("POST", b"/a", b"a", False)]),
    (b"GET / HTTP/1.0\r\n\r\n", [("GET", b"/", b"", True)]),
    (b"GET / HTTP/1.1\r\nhost:\r\n\r\n", [("GET", b"/", b"", True)]),
    (b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + GET, [("GET", b"/", b"", True)]),
    (
        b"POST / HTTP/1.1\r\nHOST: x\r\nContent-Length: 000\r\n\r\n" + GET,
        [("POST", b"/", b"", True), ("GET", b"/a?b", b"", True)],
    ),
]

REJECTED: list[tuple[bytes, int]] = [
    (b"garbage\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
    (b"GET / HTTP/1.0\r\nhost: x\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nhost: x\r\n\r\n", 505),
    (b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    (b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3, 3\r\n\r\nabc", 400),
    (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length : 3\r\n\r\nabc", 400),
    (b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nhost: x\r\na\0: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 1\r\n\r\na", 400),
    (CHUNKED.replace(b"2\r\nab", b"-2\r\nab"), 400),
    (CHUNKED.replace(b"2\r\nab", b"2\nab"), 400),
    (with_offer(CHUNKED).replace(b"2\r\nab", b"x\r\nab"), 400),
    (b"GET /" + b"a" * LIMIT, 431),
    (b"GET /" + b"a" * LIMIT + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\na: " + b"a" * LIMIT, 431),
    (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (LIMIT // 6 + 3), 431),
    (b"GET / HTTP/1.1\r\n" + b"a" * LIMIT, 431),
    (CHUNKED[:-2] + b"a: b\r\n" * (LIMIT // 6 + 1), 431),
]


def at_once_and_in_parts(data: bytes) -> list[list[bytes]]:
    """Ways to divide bytes."""
    return [[data], [data[i : i + 1] for i in range(len(data))], [data[i : i + 7] for i in range(0, len(data), 7)]]


@pytest.mark.parametrize(("data", "requests"), ACCEPTED)
def test_requests_are_read_however_they_are_divided(data: bytes, requests: list[Read]) -> None:
    for parts in at_once_and_in_parts(data):
        assert read(*parts) == requests


@pytest.mark.parametrize(("data", "status"), REJECTED)
def test_what_breaks_a_rule_is_rejected_however_it_is_divided(data: bytes, status: int) -> None:
    for parts in at_once_and_in_parts(data):
        with pytest.raises(RejectedBytes) as caught:
            read(*parts)
        assert caught.value.status == status, parts


def test_a_trailer_without_an_end_is_rejected() -> None:
    with pytest.raises(RejectedBytes, match="max_header_bytes"):
        read(CHUNKED[:-2], *[b"a" * 10] * (LIMIT // 10 + 1))


def test_a_head_of_the_largest_size_is_read_however_it_is_divided() -> None:
    head = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 165
    for parts in at_once_and_in_parts(head + b"\r\n" + GET):
        assert len(read(*parts)) == 2


def test_a_large_body_is_not_counted_as_a_head() -> None:
    body = b"a: b\r\n" * LIMIT
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    for parts in at_once_and_in_parts(request + GET)[::2]:
        assert [one[2] for one in read(*parts)] == [body, b""]


def test_at_most_100_requests_wait() -> None:
    assert len(read(GET * 100)) == 100
    with pytest.raises(RejectedBytes, match="at most 100 requests may wait"):
        read(GET * 101)


def test_at_most_256_headers_are_read() -> None:
    reader = RequestReader(100_000, websockets=True)
    reader.feed(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 255 + b"\r\n")
    with pytest.raises(RejectedBytes, match="256 headers"):
        reader.feed(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 256 + b"\r\n")


def test_a_head_that_is_too_large_names_the_setting() -> None:
    with pytest.raises(RejectedBytes, match=r"the setting max_header_bytes \(SERVICE_SERVER_MAX_HEADER_BYTES\)"):
        read(b"GET /" + b"a" * LIMIT)


def test_trailers_are_not_headers() -> None:
    reader = RequestReader(LIMIT, websockets=True)
    reader.feed(CHUNKED)
    assert reader.waiting[0].headers == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]


def test_a_websocket_request_ends_the_reading() -> None:
    reader = RequestReader(LIMIT, websockets=True)
    reader.feed(GET + b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\r\nframe")
    reader.feed(b"s" + GET)
    assert [one.is_websocket for one in reader.waiting] == [False, True]
    assert reader.after_upgrade == b"frames" + GET


REQUESTS = (GET, POST, CHUNKED, with_offer(POST), with_offer(GET))


@given(
    st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3), st.binary(max_size=3)), max_size=3),
    st.lists(st.integers(1, 600), max_size=4),
)
@example([with_offer(POST), GET], [], [10, 100, 150])
def test_bytes_that_were_changed_mean_the_same_however_they_are_divided(
    requests: list[bytes], edits: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(requests)
    for place, length, put in edits:
        data = data[:place] + put + data[place + length :]
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    parts = [data[begin:end] for begin, end in pairwise(places)]
    assert _outcome([data]) == _outcome(parts)


def _outcome(parts: list[bytes]) -> list[Read] | int:
    try:
        return read(*parts)
    except RejectedBytes as rejected:
        return rejected.status
