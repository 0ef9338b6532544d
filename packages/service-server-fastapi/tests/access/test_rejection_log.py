"""What the log says about refused requests, and what their answers say about settings."""

from __future__ import annotations

import asyncio
import logging

import pytest
from desk import serving
from raw_http import Connection, call, head_of

from service_core.dispatch import Response
from service_server_fastapi import ServerSettings
from service_server_fastapi.access.rejection_log import RejectionLog

LIMITS = ServerSettings(max_body_bytes=1000, receive_timeout=0.2)


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level and "refused" in record.msg]


def test_each_refused_request_is_logged_at_debug_with_its_correlation_id_and_all_are_counted_at_info(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "service.server")
    with serving(settings=LIMITS) as (server, _):
        for number in range(50):
            assert call(server.url, "echo", "a" * 2000, x_correlation_id=f"c-{number}").status == 413
    lines = messages(caplog, logging.DEBUG)
    assert len(lines) == 50
    assert lines[7].startswith("refused with 413 (correlation id c-7): the request is larger than 1000 b")
    assert {getattr(record, "correlation_id", None) for record in caplog.records if "refused with" in record.msg} == {
        f"c-{number}" for number in range(50)
    }
    assert messages(caplog, logging.INFO) == ["requests were refused: 1 with 413 (the level DEBUG shows each)"]


async def test_requests_that_are_refused_later_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.server")
    log = RejectionLog(interval=0.01)
    for status in (503, 413, 503, 503):
        log.note(Response(status=status, content_type="", body=b""))
    while len(caplog.records) < 2:  # noqa: ASYNC110 - a log is no event
        await asyncio.sleep(0.001)
    assert messages(caplog, logging.INFO) == [
        "requests were refused: 1 with 503 (the level DEBUG shows each)",
        "requests were refused: 1 with 413, 2 with 503 (the level DEBUG shows each)",
    ]


def test_a_body_over_the_limit_is_refused_with_the_name_of_the_setting() -> None:
    with serving(settings=LIMITS) as (server, _):
        reported = call(server.url, "echo", "a" * 2000).error["message"]
    assert reported == (
        "the request is larger than 1000 bytes, the setting max_body_bytes (SERVICE_SERVER_MAX_BODY_BYTES)"
    )


def test_a_body_that_is_late_is_refused_with_the_name_of_the_setting() -> None:
    with serving(settings=LIMITS) as (server, _), Connection(server.url) as connection:
        connection.send(head_of(content_length=10))
        assert "the setting receive_timeout (SERVICE_SERVER_RECEIVE_TIMEOUT)" in connection.reply().error["message"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_a_content_encoding_is_refused_with_415_and_the_one_that_is_accepted(encoding: str) -> None:
    with serving() as (server, world):
        reply = call(server.url, "echo", "a", content_encoding=encoding)
        assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")
        assert f"content encoding {encoding!r} is not supported" in reply.error["message"]
        assert world.desk.runs == []
        assert call(server.url, "echo", "a", content_encoding="identity").json["result"] == "a"
