"""Bytes of requests and responses, without a socket."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_channels_http import HTTPReply, HTTPRequest
from service_channels_http.transport.engine.reader import ResponseParser, write_beginning, write_head
from service_core import Deadline, LocalServiceException, ProtocolException, ServiceCommunicationException

FOREVER = Deadline(float("inf"))
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + PLAIN
UNTIL_END = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"


def request(headers: Mapping[str, str] | None = None, method: str = "POST", content: bytes = b"") -> HTTPRequest:
    return HTTPRequest(
        method=method,
        url="http://127.0.0.1/invoke",
        headers=headers or {},
        content=content,
        deadline=FOREVER,
        caller="A.b of component 'c'",
    )


def written(asked: HTTPRequest, target: str, authority: str) -> bytes:
    return write_head(asked, write_beginning(asked, target, authority))


def parser(max_bytes: int = 1000) -> ResponseParser:
    made = ResponseParser()
    made.expect(request(), max_bytes)
    return made


def read(*parts: bytes, max_bytes: int = 1000) -> HTTPReply:
    reading = parser(max_bytes)
    replies = [reading.feed(part) for part in parts]
    assert replies[:-1] == [None] * (len(parts) - 1)
    assert replies[-1] is not None
    return replies[-1]


def test_a_request_is_its_line_its_headers_and_the_length_of_its_body() -> None:
    head = written(request({"accept": "text/plain"}, content=b"12345"), "/invoke", "example.org:81")
    assert head == (
        b"POST /invoke HTTP/1.1\r\nhost: example.org:81\r\nuser-agent: service\r\naccept: text/plain\r\n"
        b"content-length: 5\r\n\r\n"
    )


@pytest.mark.parametrize(("method", "reported"), [("POST", True), ("PUT", True), ("GET", False), ("DELETE", False)])
def test_an_empty_body_has_a_length_where_one_is_expected(method: str, reported: bool) -> None:
    head = written(request(method=method), "/", "h")
    assert (b"content-length: 0" in head) == reported


def test_fixed_headers_come_first_and_are_looked_at_too() -> None:
    asked = request({"accept": "text/plain"}, method="GET")
    asked.fixed = {"x-fixed": "1"}
    assert written(asked, "/", "h").endswith(b"\r\nx-fixed: 1\r\naccept: text/plain\r\n\r\n")
    asked.fixed = {"x-fixed": "1\r\nx-evil: 2"}
    with pytest.raises(LocalServiceException, match="the value of header 'x-fixed' cannot be sent"):
        written(asked, "/", "h")


def test_the_remaining_time_is_sent_as_of_when_the_head_is_written() -> None:
    asked = request({"x-correlation-id": "c"})
    asked.deadline = Deadline.after(60)
    asked.fixed = {"x-fixed": "1"}
    reported = re.search(
        rb"\r\nx-fixed: 1\r\nx-deadline-ms: (\d+)\r\nx-correlation-id: c\r\n", written(asked, "/", "h")
    )
    assert reported is not None
    assert 0 < int(reported[1]) <= 60_000


def test_a_request_may_say_itself_how_much_time_is_left() -> None:
    asked = request({"x-deadline-ms": "5"})
    asked.deadline = Deadline.after(60)
    assert written(asked, "/", "h").count(b"x-deadline-ms") == 1
    assert asked.all_headers() == {"x-deadline-ms": "5"}


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rb", "a\0b", "a\r\n\r\nGET / HTTP/1.1"])
def test_a_value_cannot_become_another_header(value: str) -> None:
    with pytest.raises(LocalServiceException, match=r"c' at .*: the value of header 'baggage' cannot be sent"):
        written(request({"baggage": value}), "/", "h")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä"])
def test_a_name_is_one(name: str) -> None:
    with pytest.raises(LocalServiceException, match="is not a name for a header; use letters, digits and '-'"):
        written(request({name: "x"}), "/", "h")


def test_values_are_latin_1() -> None:
    assert b"baggage: caf\xe9=1\r\n" in written(request({"baggage": "café=1"}), "/", "h")


@pytest.mark.parametrize("response", [PLAIN, CHUNKED, INTERIM])
def test_a_response_is_read_whatever_its_framing(response: bytes) -> None:
    reply = read(response)
    assert (reply.status, reply.content) == (200, b"hello")


@given(response=st.sampled_from([PLAIN, CHUNKED, INTERIM]), cuts=st.sets(st.integers(1, 80), max_size=8))
def test_a_response_may_come_in_any_pieces(response: bytes, cuts: set[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(response)), len(response)]
    assert read(*(response[a:b] for a, b in itertools.pairwise(edges))).content == b"hello"


def test_headers_are_found_by_lower_case_names() -> None:
    reply = read(b"HTTP/1.1 200 OK\r\nX-One: 1\r\nx-TWO:  caf\xe9 \r\ncontent-length: 0\r\n\r\n")
    assert dict(reply.headers) == {"x-one": "1", "x-two": "café", "content-length": "0"}
    assert reply.headers.get("x-three", "none") == "none"


TRAILERS = b"Content-Type: text/evil\r\nContent-Encoding: gzip\r\nx-other: 1\r\n"


@pytest.mark.parametrize("cut", [None, -len(TRAILERS) - 2])
def test_what_follows_the_body_are_no_headers(cut: int | None) -> None:
    response = CHUNKED[:-2] + TRAILERS + b"\r\n"
    reply = read(response) if cut is None else read(response[:cut], response[cut:])
    assert (reply.headers, reply.content) == ({"transfer-encoding": "chunked"}, b"hello")


@pytest.mark.parametrize("line", [b"x-a: " + 1000 * b"a" + b"\r\n", 1000 * b"a"])
def test_what_follows_the_body_has_an_end(line: bytes) -> None:
    reading = parser()
    reading.feed(CHUNKED[:-2] + b"x: ")
    with pytest.raises(ServiceCommunicationException, match="no complete HTTP answer"):
        list(map(reading.feed, 100 * [line]))
    assert not reading.reusable


def test_a_body_in_tiny_pieces_takes_no_more_room_than_its_bytes() -> None:
    reading = parser(1_000_000)
    reading.feed(CHUNKED[: CHUNKED.index(b"3")])
    tracemalloc.start()
    try:
        for _ in range(100):
            assert reading.feed(1000 * b"1\r\na\r\n") is None
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
    reply = reading.feed(b"0\r\n\r\n")
    assert reply is not None
    assert reply.content == 100_000 * b"a"


class Interrupted(BaseException):
    """Like KeyboardInterrupt, of which pytest thinks it is for pytest."""


def test_an_interruption_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr("service_channels_http.transport.engine.reader.HTTPReply", interrupted)
    reading = parser()
    with pytest.raises(Interrupted):
        reading.feed(PLAIN)
    assert not reading.reusable


def test_of_an_interim_response_nothing_stays() -> None:
    assert "link" not in read(INTERIM).headers


def test_the_end_of_the_connection_ends_a_body_without_length() -> None:
    reading = parser()
    assert reading.feed(UNTIL_END) is None
    assert reading.end().content == b"hello"
    assert not reading.reusable


@pytest.mark.parametrize("response", [PLAIN, CHUNKED])
def test_the_end_of_the_connection_does_not_end_a_body_with_length(response: bytes) -> None:
    for received in range(len(response)):
        reading = parser()
        if received:
            reading.feed(response[:received])
        with pytest.raises(ServiceCommunicationException, match="no complete HTTP answer before the connection ended"):
            reading.end()


@pytest.mark.parametrize(
    "response",
    [
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nName with space: 1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_no_answer(response: bytes) -> None:
    reading = parser(1_000_000)
    with pytest.raises(ServiceCommunicationException, match="no complete HTTP answer") as caught:
        reading.feed(response)
    assert caught.value.may_have_run


@pytest.mark.parametrize("response", [PLAIN, CHUNKED, UNTIL_END])
def test_a_body_that_is_too_large_is_refused(response: bytes) -> None:
    parser(5).feed(response)
    with pytest.raises(ProtocolException, match="larger than 4 bytes"):
        parser(4).feed(response)


def test_an_announced_size_is_refused_before_the_body_comes() -> None:
    with pytest.raises(ProtocolException, match="larger than 1000 bytes"):
        parser().feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(ProtocolException, match="compressed although the request did not accept that"):
        read(PLAIN.replace(b"text/plain", b"text/plain\r\nContent-Encoding: gzip"))


@pytest.mark.parametrize(
    ("response", "reusable"),
    [
        (PLAIN, True),
        (CHUNKED, True),
        (PLAIN.replace(b"text/plain", b"text/plain\r\nConnection: close"), False),
        (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (PLAIN + b"surplus", False),
        (PLAIN + PLAIN, False),
    ],
)
def test_a_connection_is_used_again_if_both_sides_know_where_it_stands(response: bytes, reusable: bool) -> None:
    reading = parser()
    reply = reading.feed(response)
    assert reply is not None
    assert reply.content == b"hello"
    assert reading.reusable == reusable


def test_one_response_after_the_other_is_read() -> None:
    reading = parser()
    replies = []
    for response in (PLAIN, CHUNKED, INTERIM):
        reading.expect(request(), 1000)
        replies.append(reading.feed(response))
    assert [reply and reply.content for reply in replies] == [b"hello"] * 3
    assert [reply and "content-type" in reply.headers for reply in replies] == [True, False, True]
