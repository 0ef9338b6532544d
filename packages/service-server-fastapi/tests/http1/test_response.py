"""Responses as a client reads them: heads, framing, and heads that leave together with the first piece of the body."""

from __future__ import annotations

import re

import pytest

from service_core.dispatch import Response
from service_server_fastapi.http1.response import ResponseHeads, ResponseWriter

DATE = re.compile(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")


class Recording:
    """Notes what is written."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.drained = 0

    def write(self, data: bytes) -> None:
        self.parts.append(DATE.sub(b"", data))

    async def drain(self) -> None:
        self.drained += 1


def answer(status: int = 200, body: bytes = b"{}") -> Response:
    return Response(status=status, content_type="application/json", body=body, headers=(("x-correlation-id", "c-1"),))


def head_of(one: Response, *, closes: bool = False) -> bytes:
    head = ResponseHeads().head_of(one, closes=closes)
    assert DATE.search(head)
    return DATE.sub(b"", head)


def writer(out: Recording, method: str = "GET", version: str = "1.1", *, keep_alive: bool = True) -> ResponseWriter:
    return ResponseWriter(out, method=method, version=version, keep_alive=keep_alive)


# whole answers


def test_a_head_has_type_length_and_all_headers() -> None:
    assert head_of(answer()) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nx-correlation-id: c-1\r\n\r\n"
    )


def test_a_head_says_that_the_connection_is_closed() -> None:
    assert head_of(answer(504), closes=True).startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert head_of(answer(504), closes=True).endswith(b"\r\nconnection: close\r\n\r\n")


def test_the_date_is_that_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, clock = ResponseHeads(), [0.0]
    monkeypatch.setattr("service_server_fastapi.http1.response.time.time", lambda: clock[0])
    for seconds, date in ((0.0, b"00:00:00"), (0.9, b"00:00:00"), (1.0, b"00:00:01"), (61.5, b"00:01:01")):
        clock[0] = seconds
        assert b"date: Thu, 01 Jan 1970 %b GMT\r\n" % date in heads.head_of(answer(), closes=False)


def test_beginnings_differ_by_status_and_type() -> None:
    heads = ResponseHeads()
    several = [answer(), answer(201), answer(200, b""), Response(status=200, content_type="a/b", body=b"c")]
    for one in several * 2:
        assert DATE.sub(b"", heads.head_of(one, closes=False)) == head_of(one)


def test_an_answer_without_a_body_has_no_type() -> None:
    assert head_of(answer(201, b"")) == b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\nx-correlation-id: c-1\r\n\r\n"
    assert head_of(answer(204, b"")) == b"HTTP/1.1 204 No Content\r\nx-correlation-id: c-1\r\n\r\n"


# piece by piece


async def test_a_head_leaves_with_the_first_piece_of_the_body() -> None:
    out = Recording()
    response = writer(out)
    response.start(200, [(b"Content-Length", b"3")])
    assert out.parts == []
    await response.write(b"ab")
    await response.write(b"c")
    response.end()
    assert out.parts == [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", b"c"]
    assert response.is_complete
    assert out.drained == 2


async def test_a_head_can_leave_alone() -> None:
    out = Recording()
    response = writer(out)
    response.start(200, [(b"content-length", b"1")])
    response.flush()
    response.flush()
    await response.write(b"a")
    assert out.parts == [b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n", b"a"]


async def test_a_large_piece_is_not_copied() -> None:
    out, large = Recording(), bytes(1_000_000)
    response = writer(out)
    response.start(200, [(b"content-length", b"1000000")])
    await response.write(large)
    assert out.parts[1:] == [large]


async def test_a_body_of_unknown_length_is_chunked() -> None:
    out = Recording()
    response = writer(out)
    response.start(200, [(b"transfer-encoding", b"chunked")])
    await response.write(b"ab")
    await response.write(b"")
    response.end()
    assert b"".join(out.parts) == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    assert response.keep_alive


async def test_to_http_1_0_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    out = Recording()
    response = writer(out, version="1.0")
    response.start(200, [])
    await response.write(b"ab")
    response.end()
    assert b"".join(out.parts) == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab"
    assert not response.keep_alive


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_a_response_that_has_no_body_gets_none(method: str, status: int) -> None:
    out = Recording()
    response = writer(out, method)
    response.start(status, [(b"content-length", b"5")] if method == "HEAD" else [])
    await response.write(b"abcde")
    response.end()
    assert b"".join(out.parts).endswith(b"\r\n\r\n")
    assert b"transfer-encoding" not in b"".join(out.parts)


@pytest.mark.parametrize(("pieces", "reason"), [([b"abcd"], "longer"), ([b"ab"], "shorter"), ([], "shorter")])
async def test_a_body_that_is_not_as_long_as_announced_is_an_error(pieces: list[bytes], reason: str) -> None:
    response = writer(Recording())
    response.start(200, [(b"content-length", b"3")])

    async def send() -> None:
        for piece in pieces:
            await response.write(piece)
        response.end()

    with pytest.raises(RuntimeError, match=f"{reason} than its content-length"):
        await send()


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"a b", b"c"), (b"", b"c"), (b"a\r\nb", b"c"), (b"a", b"b\r\nc: d"), (b"a", b"\0"), (b"a:", b"c")],
)
async def test_a_header_that_would_be_two_is_an_error(name: bytes, value: bytes) -> None:
    with pytest.raises(RuntimeError, match="cannot be sent"):
        writer(Recording()).start(200, [(name, value)])


@pytest.mark.parametrize(("value", "stays"), [(b"close", False), (b"Keep-Alive, Close", False), (b"keep-alive", True)])
async def test_a_connection_is_closed_when_a_header_says_so(value: bytes, stays: bool) -> None:
    out = Recording()
    response = writer(out)
    response.start(200, [(b"content-length", b"0"), (b"connection", value)])
    response.end()
    assert response.keep_alive is stays
    assert b"".join(out.parts).count(b"connection: ") == 1
