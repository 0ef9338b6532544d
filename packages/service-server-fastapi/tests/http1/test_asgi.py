"""Answers as a client reads them, and as an ASGI server hears them."""

from __future__ import annotations

from typing import Any

from service_core.dispatch import Answer
from service_server_fastapi.http1.asgi import Heads, send_answer

DATE = [(b"date", b"today")]


def answer(status: int = 200, body: bytes = b"{}") -> Answer:
    return Answer(status=status, content_type="application/json", body=body, headers=(("x-correlation-id", "c-1"),))


def test_a_head_tells_type_length_and_all_headers() -> None:
    assert Heads().head_of(answer(), DATE, closes=False) == (
        b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        b"x-correlation-id: c-1\r\n\r\n"
    )


def test_a_head_tells_that_the_connection_is_closed() -> None:
    assert Heads().head_of(answer(504), [], closes=True).startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert Heads().head_of(answer(504), [], closes=True).endswith(b"\r\nconnection: close\r\n\r\n")


def test_the_date_is_that_of_the_answer() -> None:
    heads = Heads()
    first, second = ([(b"date", text)] for text in (b"today", b"tomorrow"))
    told = [heads.head_of(answer(), defaults, closes=False) for defaults in (first, first, second)]
    assert told[0] == told[1] == told[2].replace(b"tomorrow", b"today") != told[2]


def test_beginnings_are_told_apart_by_status_and_type() -> None:
    heads = Heads()
    several = [answer(), answer(201), answer(200, b""), Answer(status=200, content_type="a/b", body=b"c")]
    for one in several * 2:
        assert heads.head_of(one, DATE, closes=False) == Heads().head_of(one, DATE, closes=False)


def test_an_answer_without_a_body_has_no_type() -> None:
    assert Heads().head_of(answer(201, b""), [], closes=False) == (
        b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\nx-correlation-id: c-1\r\n\r\n"
    )
    assert (
        Heads().head_of(answer(204, b""), [], closes=False)
        == b"HTTP/1.1 204 No Content\r\nx-correlation-id: c-1\r\n\r\n"
    )


async def test_an_asgi_server_hears_the_same() -> None:
    for one in (answer(), answer(201, b""), answer(204, b"")):
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        await send_answer(send, one)
        start, body = sent
        lines = [b"%b: %b" % header for header in start["headers"]]
        assert Heads().head_of(one, [], closes=False).split(b"\r\n")[1:-2] == lines
        assert (start["status"], body["body"]) == (one.status, one.body)
