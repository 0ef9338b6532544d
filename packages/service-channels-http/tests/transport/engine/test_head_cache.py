"""Responses whose head is remembered: they are read as the parser would have read them."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service_channels_http import HTTPReply, HTTPRequest
from service_channels_http.transport.engine.head_cache import RepeatedHead
from service_channels_http.transport.engine.reader import ResponseParser
from service_core import Deadline, ServiceCommunicationException, ServiceException

REQUEST = HTTPRequest(url="http://h/invoke", headers={}, deadline=Deadline(float("inf")), caller="A.b")
BEGINNING = b"HTTP/1.1 200 OK\r\ndate: Tue, 03 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\n"


def response(body: bytes = b"hello", correlation_id: bytes = b"0123abcd", beginning: bytes = BEGINNING) -> bytes:
    return beginning + b"content-length: %d\r\nx-correlation-id: %b\r\n\r\n%b" % (len(body), correlation_id, body)


def swapped(old: bytes, new: bytes) -> bytes:
    whole = response()
    assert old in whole
    return whole.replace(old, new, 1)


VALID = response()
HOSTILE = {
    "another body and id": response(b"other", b"4567"),
    "no body": response(b""),
    "a body that is another response": response(VALID),
    "leading zeros of the length": swapped(b"content-length: 5", b"content-length: 0005"),
    "a length of 5,000 digits": swapped(b"content-length: 5", b"content-length: " + b"5".rjust(5_000, b"0")),
    "no digits": swapped(b"content-length: 5", b"content-length: five"),
    "a negative length": swapped(b"content-length: 5", b"content-length: -5"),
    "a length with a sign": swapped(b"content-length: 5", b"content-length: +5"),
    "an underscore in the length": swapped(b"content-length: 5", b"content-length: 0_5"),
    "the same length twice": swapped(b"content-length: 5\r\n", b"content-length: 5\r\ncontent-length: 5\r\n"),
    "two lengths": swapped(b"content-length: 5\r\n", b"content-length: 5\r\ncontent-length: 6\r\n"),
    "two lengths apart": swapped(b"0123abcd\r\n", b"0123abcd\r\ncontent-length: 6\r\n"),
    "a folded line": swapped(b"content-length: 5\r\n", b" folded\r\ncontent-length: 5\r\n"),
    "a folded id": swapped(b"0123abcd\r\n", b"0123abcd\r\n folded\r\n"),
    "upper case": swapped(b"content-length", b"Content-Length"),
    "an upper case id": swapped(b"x-correlation-id", b"X-Correlation-ID"),
    "a space before the colon": swapped(b"content-length:", b"content-length :"),
    "no space after the colon": swapped(b"content-length: ", b"content-length:"),
    "two spaces after the colon": swapped(b"content-length: ", b"content-length:  "),
    "a space after the length": swapped(b"content-length: 5", b"content-length: 5 "),
    "spaces in the id": swapped(b"0123abcd", b"0123 abcd "),
    "an empty id": swapped(b"0123abcd", b""),
    "a long id": response(correlation_id=b"a" * 5_000),
    "an id that is not ASCII": response(correlation_id=b"caf\xe9"),
    "a null character": response(correlation_id=b"a\0b"),
    "line feeds alone": VALID.replace(b"\r\n", b"\n"),
    "a line feed alone": swapped(b"content-length: 5\r\n", b"content-length: 5\n"),
    "a carriage return alone": swapped(b"content-length: 5\r\n", b"content-length: 5\r"),
    "the other order": BEGINNING + b"x-correlation-id: a\r\ncontent-length: 5\r\n\r\nhello",
    "a longer body": VALID + b"surplus",
    "a line break behind the body": VALID + b"\r\n",
    "half a line break behind the body": VALID + b"\r",
    "two responses": VALID + VALID,
    "a shorter body": VALID[:-1],
    "no end of the head": VALID[: VALID.index(b"\r\n\r\n") + 2],
    "chunks and a length": swapped(b"0123abcd\r\n", b"0123abcd\r\ntransfer-encoding: chunked\r\n"),
    "chunks": BEGINNING + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a compressed body": swapped(b"0123abcd\r\n", b"0123abcd\r\ncontent-encoding: gzip\r\n"),
    "the end of the connection": swapped(b"0123abcd\r\n", b"0123abcd\r\nconnection: close\r\n"),
    "an upgrade": swapped(b"0123abcd\r\n", b"0123abcd\r\nupgrade: x\r\nconnection: upgrade\r\n"),
    "a trailer": swapped(b"0123abcd\r\n", b"0123abcd\r\ntrailer: x\r\n"),
    "another status": swapped(b"200 OK", b"500 Internal Server Error"),
    "no content": swapped(b"200 OK", b"204 No Content"),
    "an interim response": b"HTTP/1.1 100 Continue\r\n\r\n" + VALID,
    "a line break in front": b"\r\n" + VALID,
    "HTTP/1.0": swapped(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/2": swapped(b"HTTP/1.1", b"HTTP/2"),
    "until the end": BEGINNING + b"\r\nhello",
    "no HTTP": b"220 mail.example.org ESMTP\r\n",
}


def receive(reading: ResponseParser, data: bytes, max_bytes: int) -> HTTPReply:
    """What one response and the end of the connection mean together."""
    reading.expect(REQUEST, max_bytes)
    return (reading.feed(data) if data else None) or reading.end()


def outcome(reading: ResponseParser, data: bytes, max_bytes: int = 10_000) -> tuple[Any, ...]:
    try:
        reply = receive(reading, data, max_bytes)
    except ServiceException as error:
        return type(error), str(error), reading.reusable
    return reply.status, list(reply.headers.items()), reply.content, reading.reusable


def learned(data: bytes) -> ResponseParser:
    """A parser that remembers the head of ``data``."""
    reading = ResponseParser()
    receive(reading, data, 10_000)
    assert RepeatedHead.of(data, HTTPReply(200, {}, data.partition(b"\r\n\r\n")[2])) is not None
    return reading


def unlearned(data: bytes) -> ResponseParser:
    """One that has read the same, but in pieces, of which it remembers nothing."""
    reading = ResponseParser()
    reading.expect(REQUEST, 10_000)
    assert reading.feed(data[:10]) is None
    assert reading.feed(data[10:]) is not None
    return reading


class CountedParser(httptools.HttpResponseParser):
    """Knows how often a parser was asked."""

    asked = 0

    def feed_data(self, data: Any) -> None:
        CountedParser.asked += 1
        super().feed_data(data)


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httptools, "HttpResponseParser", CountedParser)
    CountedParser.asked = 0


def test_a_head_that_begins_as_the_one_before_is_not_parsed() -> None:
    reading = ResponseParser()
    replies = [receive(reading, response(body, b"id-" + body), 1000) for body in (b"1", b"22", b"", b"4444")]
    assert CountedParser.asked == 1
    assert [reply.content for reply in replies] == [b"1", b"22", b"", b"4444"]
    assert [reply.headers["content-length"] for reply in replies] == ["1", "2", "0", "4"]


def test_a_head_that_begins_otherwise_is_parsed_and_remembered_in_its_turn() -> None:
    later = BEGINNING.replace(b"10:00:00", b"10:00:01")
    reading = ResponseParser()
    for beginning in (BEGINNING, later, later, BEGINNING, BEGINNING):
        assert receive(reading, response(beginning=beginning), 1000).content == b"hello"
    assert CountedParser.asked == 3


@pytest.mark.parametrize("name", ["connection", "content-encoding", "content-length", "trailer", "upgrade", "x-other"])
def test_nothing_is_remembered_that_could_say_something_about_the_body_or_the_connection(name: str) -> None:
    reported = f"{name}: identity\r\n".encode()
    assert RepeatedHead.of(response(beginning=BEGINNING + reported), HTTPReply(200, {}, b"hello")) is None


@pytest.mark.parametrize(
    "beginning",
    [
        BEGINNING.replace(b"200 OK", b"201 Created"),
        BEGINNING.replace(b"HTTP/1.1", b"HTTP/1.0"),
        BEGINNING[:-2] + b"; charset=utf-8\r\n folded\r\n",
        BEGINNING[:-2],
        b"",
    ],
)
def test_a_beginning_is_a_status_line_that_says_200_and_whole_lines(beginning: bytes) -> None:
    assert RepeatedHead.of(response(beginning=beginning), HTTPReply(200, {}, b"hello")) is None


def test_a_response_that_came_with_something_else_is_not_remembered() -> None:
    assert RepeatedHead.of(VALID + b"\r", HTTPReply(200, {}, b"hello")) is None
    reading = ResponseParser()
    assert receive(reading, VALID + VALID, 1000).content == b"hello"
    assert not reading.reusable
    receive(reading, VALID, 1000)
    assert CountedParser.asked == 2


def test_what_comes_in_pieces_is_parsed_although_its_head_is_known() -> None:
    reading = learned(VALID)
    reading.expect(REQUEST, 1000)
    assert reading.feed(VALID[:-2]) is None
    reply = reading.feed(VALID[-2:])
    assert reply is not None
    assert (reply.content, CountedParser.asked) == (b"hello", 3)


def test_unsolicited_bytes_after_a_known_head_end_the_connection() -> None:
    reading = learned(VALID)
    reading.expect(REQUEST, 1000)
    assert reading.feed(response(b"mine")) is not None
    reply = reading.feed(response(b"unused"))
    assert reply is not None
    assert (reply.content, reading.reusable) == (b"mine", False)


def test_the_end_of_the_connection_is_no_answer_although_there_was_one_before() -> None:
    without_body = b"HTTP/1.1 204 No Content\r\n\r\n"
    for reading in (learned(VALID), unlearned(VALID), unlearned(without_body)):
        with pytest.raises(ServiceCommunicationException, match="no complete HTTP answer before the connection ended"):
            receive(reading, b"", 1000)


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("max_bytes", [3, 10_000])
def test_what_is_remembered_changes_nothing(data: bytes, max_bytes: int) -> None:
    one, other, fresh = learned(VALID), unlearned(VALID), ResponseParser()
    expected = outcome(other, data, max_bytes)
    assert outcome(one, data, max_bytes) == expected
    assert outcome(fresh, data, max_bytes) == expected
    if expected[-1]:
        assert outcome(one, VALID) == outcome(other, VALID) == outcome(fresh, VALID)


BYTES = st.one_of(st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b":", b"0", b"\0", b"-", b"a"]), st.binary(max_size=3))
MUTATIONS = st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 3), BYTES), max_size=3)


@given(mutations=MUTATIONS, in_what_is_known=st.booleans())
@example(mutations=[(len(VALID), 0, b"\r")], in_what_is_known=False)
def test_a_response_with_other_bytes_means_the_same_to_both(
    mutations: list[tuple[int, int, bytes]], in_what_is_known: bool
) -> None:
    data = VALID
    for place, removed, added in mutations:
        at = place if in_what_is_known else max(place, len(BEGINNING) - 2)
        data = data[:at] + added + data[at + removed :]
    one, other = learned(VALID), unlearned(VALID)
    for following in (data, VALID, response(b"last")):
        expected = outcome(other, following)
        assert outcome(one, following) == expected
        if not expected[-1]:
            return


@given(data=st.binary(max_size=12).map(lambda end: VALID[: -len(end)] + end if end else VALID))
def test_a_body_may_be_any_bytes(data: bytes) -> None:
    assert outcome(learned(VALID), data) == outcome(unlearned(VALID), data)


@given(mutations=MUTATIONS)
def test_whatever_is_remembered_means_the_same_the_next_time(mutations: list[tuple[int, int, bytes]]) -> None:
    data = VALID
    for place, removed, added in mutations:
        data = data[:place] + added + data[place + removed :]
    one, other = ResponseParser(), ResponseParser()
    first = outcome(one, data)
    assert outcome(other, b"HTTP/1.1 200 OK\r\nvia: x\r\ncontent-length: 0\r\n\r\n")[-1]
    if first[-1]:
        assert outcome(one, data) == outcome(other, data) == first
