"""``POST /invoke`` over real sockets: what is limited, and how rude clients are answered."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk import World, serving
from raw_http import Connection, call, envelope, request
from ways import directly, through_fastapi

from service_server_fastapi import FastAPIServer, ServerSettings

LIMITS = ServerSettings(max_body_bytes=1000, max_concurrency=2, receive_timeout=0.2, worker_threads=4)


@pytest.fixture(scope="module", params=[directly, through_fastapi])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[FastAPIServer, World]]:
    with serving(app=request.param(), settings=LIMITS) as (server, world):
        yield server, world


def test_a_call_is_answered(url: str) -> None:
    reply = call(url, "echo", "a", 3)

    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == {"result": "aaa", "exception": None}


def test_a_connection_serves_several_calls(url: str) -> None:
    with Connection(url) as connection:
        for text in ("a", "b"):
            body = envelope("echo", text)
            connection.head(content_length=len(body))
            connection.send(body)
            assert connection.reply().json["result"] == text


def test_the_request_and_its_headers_are_visible_in_both_kinds_of_methods(url: str) -> None:
    for method in ("whereabouts", "whereabouts_async"):
        reported = call(url, method, user_agent="test/1", x_correlation_id="abc-1", x_deadline_ms=30000).json["result"]
        assert (reported["user_agent"], reported["correlation_id"]) == ("test/1", "abc-1")
        assert 0 < float(reported["remaining"]) <= 30


def test_a_deadline_in_the_header_is_kept(url: str, world: World) -> None:
    reply = call(url, "linger", x_deadline_ms=50)
    assert (reply.status, reply.error["code"]) == (200, "deadline_exceeded")
    assert world.desk.cancelled.is_set()


def test_a_call_that_arrives_after_its_deadline_is_not_run(url: str, world: World) -> None:
    assert call(url, "echo", "a", x_deadline_ms=0).status == 504
    assert world.desk.runs == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_another_verb_is_refused(url: str, world: World, method: str) -> None:
    reply = request(url, "/invoke", method=method, body=envelope("echo", "a"))

    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert reply.error["message"] == "calls are sent with POST"
    assert world.desk.runs == []


def test_a_form_post_is_refused(url: str) -> None:
    assert call(url, "echo", "a", content_type="text/plain").status == 415


def test_a_cookie_is_no_reason_to_refuse_or_to_trust(url: str) -> None:
    assert call(url, "fail", "missing", cookie="session=hunter2").error["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("method", "argument"), [("echo", "hunter2"), ("sell", {"number": "hunter2"}), ("fail", "denied"), ("fail", "exit")]
)
def test_tokens_and_arguments_are_in_no_log_and_no_refusal(
    url: str, caplog: pytest.LogCaptureFixture, method: str, argument: object
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = call(url, method, argument, authorization="Bearer hunter2", cookie="session=hunter2")

    assert "hunter2" not in caplog.text
    assert reply.status == 200 or b"hunter2" not in reply.body


def test_an_announced_body_that_is_too_large_is_refused_before_it_is_sent(url: str) -> None:
    with Connection(url) as connection:
        connection.head(content_length=10**9)

        reply = connection.reply()

        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert reply.error["message"].startswith("the request is larger than 1000 bytes, the setting max_body_bytes")
        assert connection.is_closed()


def test_a_client_that_expects_100_continue_is_refused_before_it_sends(url: str) -> None:
    with Connection(url) as connection:
        connection.head(content_length=10**9, expect="100-continue")

        assert connection.reply().status == 413


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(url: str) -> None:
    with Connection(url) as connection:
        connection.head(transfer_encoding="chunked")
        connection.send(b"400\r\n" + b"x" * 0x400 + b"\r\n")  # and it does not end

        assert connection.reply().status == 413
        assert connection.is_closed()


@pytest.mark.parametrize("length", ["1" * 30, "-1", "1, 2", "0x10", "٣"])
def test_a_length_that_is_none_is_refused(url: str, length: str) -> None:
    with Connection(url) as connection:
        connection.head(content_length=length)
        assert connection.reply().status in (400, 413)


def test_a_body_that_does_not_come_is_not_waited_for(url: str, world: World) -> None:
    with Connection(url) as connection:
        body = envelope("echo", "a")
        connection.head(content_length=len(body))
        connection.send(body[:-1])

        reply = connection.reply()

        assert (reply.status, reply.error["code"]) == (408, "deadline_exceeded")
        assert reply.error["message"].startswith("the request did not arrive within 0.2 s, the setting receive_t")
        assert connection.is_closed()
    assert world.desk.runs == []


def test_a_client_that_disconnects_while_it_sends_affects_no_other(url: str, world: World) -> None:
    for _ in range(5):
        with Connection(url) as connection:
            connection.head(content_length=100)
            connection.send(b"{")

    assert call(url, "echo", "a").status == 200
    assert world.desk.runs == ["echo"]


def test_more_calls_than_may_be_in_work_are_sent_away(url: str, world: World) -> None:
    with ThreadPoolExecutor(2) as threads:
        blocked = [threads.submit(call, url, "block") for _ in range(2)]
        for _ in blocked:
            world.desk.entered.acquire()

        reply = call(url, "echo", "a", x_correlation_id="abc-1")

        world.desk.release.set()
        assert [one.result().status for one in blocked] == [200, 200]
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert (reply.error["code"], reply.error["correlation_id"]) == ("unavailable", "abc-1")
    assert world.desk.runs == ["block", "block"]
    assert call(url, "echo", "a").status == 200


def test_a_broken_head_is_refused(url: str) -> None:
    with Connection(url) as connection:
        connection.send(b"this is no HTTP\r\n\r\n")
        assert connection.reply().status == 400
        assert connection.is_closed()


# heads


def test_a_head_that_does_not_come_is_not_waited_for(url: str) -> None:
    with Connection(url) as connection:
        connection.send(b"POST /invoke")
        assert connection.reply().status == 408
        assert connection.is_closed()


def test_a_connection_without_a_request_is_closed_without_a_word(url: str) -> None:
    with Connection(url) as connection:
        assert connection.is_closed()


def test_a_head_that_comes_by_the_byte_is_cut_off(url: str) -> None:
    with Connection(url) as connection:
        begin = time.monotonic()
        for byte in itertools.cycle(b"GET /invoke HTTP/1.1\r\nx: "):
            try:
                connection.send(bytes([byte]))
            except OSError:
                break
            if time.monotonic() - begin > 10:
                pytest.fail("the connection was still open after 10 s")


def test_a_second_head_on_a_connection_is_not_waited_for_either(url: str) -> None:
    with Connection(url) as connection:
        body = envelope("echo", "a")
        connection.head(content_length=len(body))
        connection.send(body)
        assert connection.reply().status == 200
        connection.send(b"POST /inv")

        assert connection.reply().status == 408


def test_a_head_that_does_not_end_is_refused(url: str) -> None:
    with Connection(url) as connection:
        connection.send(b"GET /invoke HTTP/1.1\r\nx: ")
        connection.send(b"x" * 70_000)

        assert connection.reply().status == 431


def test_the_rest_of_a_large_body_is_no_head() -> None:
    settings = ServerSettings(max_header_bytes=1024)
    with serving(settings=settings) as (server, _):
        assert call(server.url, "echo", "x" * 100_000).status == 200
