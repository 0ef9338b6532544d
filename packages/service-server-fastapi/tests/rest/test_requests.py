"""Plain HTTP requests of a service: what is carried out, and what is refused with which problem."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from archive import Kind, Record, Served, serving
from raw_http import TIMEOUT, Connection, Reply, request

PROBLEM = "application/problem+json"
RECORD = json.dumps({"theTitle": "a", "content": "_w=="}).encode()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture(autouse=True)
def _nothing_run(served: Served) -> None:
    served.archive.runs.clear()


def post(served: Served, body: bytes = RECORD, path: str = "/archive/records", **headers: object) -> Reply:
    return request(served.url, path, method="POST", body=body, **headers)


# carried out


def test_arguments_come_from_path_query_header_and_body(served: Served) -> None:
    request(served.url, "/archive/records?kind=book&kind=7&since=2026-01-02")
    request(served.url, "/archive/records/a%20b", if_none_match="v1")
    request(served.url, "/archive/records/a", method="PUT", body=RECORD)
    assert served.archive.runs == [
        ("records", [Kind.BOOK, Kind.MAP], date(2026, 1, 2)),
        ("record", "a b", "v1"),
        ("store", "a", Record(theTitle="a", content=b"\xff")),
    ]


def test_arguments_that_are_left_out_have_their_defaults(served: Served) -> None:
    request(served.url, "/archive/records")
    request(served.url, "/archive/records/a", method="PUT", content_type=None)
    assert served.archive.runs == [("records", [], None), ("store", "a", None)]


def test_a_result_is_json_under_its_aliases(served: Served) -> None:
    reply = post(served)
    assert (reply.status, reply.headers["content-type"]) == (201, "application/json")
    assert reply.json == {"theTitle": "a", "content": "_w==", "year": 0}


def test_no_result_is_null_or_no_content(served: Served) -> None:
    stored = request(served.url, "/archive/records/a", method="PUT", body=RECORD)
    removed = request(served.url, "/archive/records/a", method="DELETE")
    assert (stored.status, stored.body) == (200, b"null")
    assert (removed.status, removed.body) == (204, b"")
    assert "content-type" not in removed.headers


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("/archive/records/latest", ("latest",)),
        ("/archive/records/docs%2Fa.md", ("record", "docs/a.md", "")),
        ("/archive/records/a%2Fpages%2F1", ("record", "a/pages/1", "")),
        ("/archive/records/%252F", ("record", "%2F", "")),
        ("/archive/records/%3Fx%23y", ("record", "?x#y", "")),
        ("/archive/records/a/pages/1", ("page", "a", 1)),
    ],
)
def test_a_path_leads_to_its_route_whatever_a_segment_holds(served: Served, path: str, run: tuple[Any, ...]) -> None:
    request(served.url, path)
    assert served.archive.runs == [run]


@pytest.mark.parametrize("path", ["/archive/records/a/b", "/archive/records/%FF", "/archive"])
def test_another_path_leads_nowhere(served: Served, path: str) -> None:
    assert request(served.url, path).status == 404
    assert served.archive.runs == []


def test_a_method_without_a_verb_has_no_path(served: Served) -> None:
    assert request(served.url, "/archive/unlisted").status == 404
    assert served.archive.runs == []


def test_a_sync_method_runs_in_a_worker_with_the_context_of_the_call(served: Served) -> None:
    reply = request(
        served.url,
        "/archive/records/a",
        method="PATCH",
        body=b'"b"',
        x_correlation_id="abc",
        x_deadline_ms=5000,
        authorization="Bearer token-1",
    )
    thread, correlation_id, token, remaining = reply.json.split()
    assert thread.startswith("service-worker-")
    assert (correlation_id, token) == ("abc", "token-1")
    assert 0 < float(remaining) <= 5
    assert reply.headers["x-correlation-id"] == "abc"


def test_the_request_is_at_hand(served: Served) -> None:
    assert request(served.url, "/archive/records/a/pages/1").json == "/archive/records/a/pages/1"


# refused


def problem_of(reply: Reply) -> tuple[Any, ...]:
    assert reply.headers["content-type"] == PROBLEM
    reported = reply.json
    assert reported["status"] == reply.status
    assert reported["correlation_id"] == reply.headers["x-correlation-id"]
    return reply.status, reported["code"], reported["error"], reported["executed"]


def test_wrong_arguments_are_listed_without_their_values(served: Served) -> None:
    reply = request(served.url, "/archive/records?kind=secret&since=secret")
    assert problem_of(reply) == (422, "invalid_argument", "ArgumentException", False)
    assert reply.json["details"] == [
        {"loc": ["query", "kind", 0], "msg": "Input should be 'book' or 7", "type": "enum"},
        {
            "loc": ["query", "since"],
            "msg": "Input should be a valid date or datetime, input is too short",
            "type": "date_from_datetime_parsing",
        },
    ]
    assert reply.json["detail"] == "Archive.records: query.kind.0: Input should be 'book' or 7 (and 1 more)"
    assert b"secret" not in reply.body
    assert served.archive.runs == []


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        (b'{"theTitle": ""}', ["body", "theTitle"]),
        (b'{"theTitle": "a", "year": "x"}', ["body", "year"]),
        (b'{"theTitle": "a", "content": "?"}', ["body", "content"]),
        (b"[]", ["body"]),
        (b"", ["body"]),
    ],
)
def test_a_wrong_body_is_reported_with_the_place(served: Served, body: bytes, loc: list[str]) -> None:
    reply = post(served, body)
    assert problem_of(reply) == (422, "invalid_argument", "ArgumentException", False)
    assert [place["loc"] for place in reply.json["details"]] == [loc]


@pytest.mark.parametrize(
    "body", [b'{"theTitle": "a"', b'{"year": NaN}', b'{"year": Infinity}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_json_is_refused(served: Served, body: bytes) -> None:
    assert problem_of(post(served, body)) == (400, "invalid_argument", "ArgumentException", False)
    assert served.archive.runs == []


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_a_body_of_another_type_is_refused(served: Served, content_type: str | None) -> None:
    reply = post(served, content_type=content_type)
    assert problem_of(reply) == (415, "invalid_argument", "ArgumentException", False)
    assert served.archive.runs == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_json_may_be_called_otherwise(served: Served, content_type: str) -> None:
    assert post(served, content_type=content_type).status == 201


def test_the_answer_to_another_verb_lists_the_allowed_ones(served: Served) -> None:
    reply = request(served.url, "/archive/records/a", method="POST")
    assert reply.status == 405
    assert sorted(reply.headers["allow"].split(", ")) == ["DELETE", "GET", "PATCH", "PUT"]


# failed


def test_a_declared_error_has_the_status_of_its_code(served: Served) -> None:
    reply = request(served.url, "/archive/records/nothing")
    assert problem_of(reply) == (404, "not_found", "RecordNotFound", True)
    assert reply.json["details"] == {"fields": {"key": "nothing"}}


def test_a_declared_error_without_a_code_is_a_failed_precondition(served: Served) -> None:
    reply = request(served.url, "/archive/records/locked", method="PUT", body=RECORD)
    assert problem_of(reply) == (412, "failed_precondition", "Locked", True)
    assert reply.json["details"] == {"fields": {"since": "2026-01-02"}}


def test_another_error_keeps_its_secret(served: Served) -> None:
    reply = request(served.url, "/archive/records/secret")
    assert problem_of(reply) == (500, "internal", "ValueError", True)
    assert b"hunter2" not in reply.body


def test_an_error_is_sent_whole_if_the_server_exposes_errors() -> None:
    with serving(expose_errors=True) as served:
        assert request(served.url, "/archive/records/secret").json["detail"] == "password=hunter2"


def test_a_request_without_permission_is_challenged(served: Served) -> None:
    denied, anonymous = (request(served.url, f"/archive/records/{key}") for key in ("foreign", "anonymous"))
    assert problem_of(denied) == (403, "permission_denied", "AuthorizationException", True)
    assert problem_of(anonymous) == (401, "unauthenticated", "MissingTokenException", True)
    assert anonymous.headers["www-authenticate"] == "Bearer"


def test_a_call_whose_time_is_up_is_answered(served: Served) -> None:
    reply = post(served, b"", "/archive/block", content_type=None, x_deadline_ms=50)
    assert problem_of(reply) == (504, "deadline_exceeded", "DeadlineExceeded", True)


# limits


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    with serving(max_body_bytes=10) as served, Connection(served.url) as connection:
        connection.head("POST", "/archive/records", content_length=11)
        reply = connection.reply()
        assert problem_of(reply) == (413, "invalid_argument", "ArgumentException", False)
        assert connection.is_closed()


def test_a_body_that_does_not_come_is_given_up() -> None:
    with serving(receive_timeout=0.05) as served, Connection(served.url) as connection:
        connection.head("POST", "/archive/records", content_length=10)
        assert problem_of(connection.reply()) == (408, "deadline_exceeded", "DeadlineExceeded", False)


def test_requests_and_calls_count_together() -> None:
    with serving(max_concurrency=1) as served, ThreadPoolExecutor() as pool:
        blocked = pool.submit(post, served, b"", "/archive/block", content_type=None)
        assert served.archive.entered.acquire(timeout=20)
        refused = request(served.url, "/archive/records")
        called = request(served.url, "/invoke", method="POST")
        served.archive.release.set()
        assert problem_of(refused) == (503, "unavailable", "ServiceException", False)
        assert refused.headers["retry-after"] == "1"
        assert called.status == 503
        assert blocked.result().json == "released"


def test_a_request_that_the_stopping_server_cuts_off_is_answered() -> None:
    with serving(drain_timeout=0.1) as served, ThreadPoolExecutor() as pool:
        blocked = pool.submit(post, served, b"", "/archive/block", content_type=None, x_correlation_id="abc")
        assert served.archive.entered.acquire(timeout=20)
        served.server.stop()
        assert problem_of(blocked.result()) == (504, "deadline_exceeded", "DeadlineExceeded", True)


def test_a_limit_of_a_method_counts_calls_and_requests_together(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.server")
    with serving() as served, Connection(served.url) as first:
        first.head("POST", "/archive/block", content_length=0)
        assert served.archive.entered.acquire(timeout=TIMEOUT)

        body = json.dumps({"method": "archive-component:archive:block", "args": []}).encode()
        for path, sent in (("/archive/block", b""), ("/invoke", body)):
            refused = request(served.url, path, method="POST", body=sent)
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        served.archive.release.set()
        assert first.reply().json == "released"
    assert "requests were refused: 1 with 503 (the level DEBUG shows each)" in [
        record.getMessage() for record in caplog.records
    ]
