"""The fast path answers as FastAPI's way does, and is taken by requests that are right and by those that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from archive import Served, serving
from fastapi import Depends, FastAPI
from raw_http import Reply, request

from service_server_fastapi.rest.route import RestRoute


def nothing() -> None:
    """A dependency, which only FastAPI knows what to do with."""


@pytest.fixture(scope="module")
def short() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def long() -> Iterator[Served]:
    with serving(FastAPI(dependencies=[Depends(nothing)])) as served:
        yield served


RECORD = b'{"theTitle": "a", "content": "_w==", "year": 3}'
REQUESTS: list[tuple[str, str, bytes, dict[str, object]]] = [
    ("GET", "/archive/records", b"", {}),
    ("GET", "/archive/records?kind=1", b"", {}),
    ("GET", "/archive/records?kind=1&kind=7&since=2026-01-02", b"", {}),
    ("GET", "/archive/records?kind=2", b"", {}),
    ("GET", "/archive/records?kind=book&kind=x", b"", {}),
    ("GET", "/archive/records?since=yesterday&other=1", b"", {}),
    ("GET", "/archive/records?since=&kind=", b"", {}),
    ("GET", "/archive/records?since=2026-01-02&since=2026-01-03", b"", {}),
    ("GET", "/archive/records?%E4=%FF&since=2026%2D01-02", b"", {}),
    ("GET", "/archive/records/a%2Fb", b"", {"if_none_match": "etag"}),
    ("GET", "/archive/records/%C3%A4%20b", b"", {}),
    ("GET", "/archive/records/%FF", b"", {}),
    ("GET", "/archive/records/a/", b"", {}),
    ("GET", "/archive/records/latest", b"", {}),
    ("GET", "/archive/records/nothing", b"", {}),
    ("GET", "/archive/records/secret", b"", {}),
    ("GET", "/archive/records/foreign", b"", {}),
    ("GET", "/archive/records/anonymous", b"", {}),
    ("GET", "/archive/records/a/pages/3", b"", {}),
    ("GET", "/archive/records/a/pages/three", b"", {}),
    ("GET", "/archive/records/a/pages/" + "9" * 5000, b"", {}),
    ("HEAD", "/archive/records", b"", {}),
    ("OPTIONS", "/archive/records", b"", {}),
    ("DELETE", "/archive/records", b"", {}),
    ("DELETE", "/archive/records/a", b"", {}),
    ("DELETE", "/archive/records/a", b"{}", {}),
    ("POST", "/archive/records", RECORD, {}),
    ("POST", "/archive/records", RECORD, {"content_type": "application/vnd.archive+json; charset=utf-8"}),
    ("POST", "/archive/records", RECORD, {"content_type": "text/plain"}),
    ("POST", "/archive/records", RECORD, {"content_type": None}),
    ("POST", "/archive/records", b"", {}),
    ("POST", "/archive/records", b"null", {}),
    ("POST", "/archive/records", b'{"theTitle": ""}', {}),
    ("POST", "/archive/records", b'{"theTitle": "a", "year": NaN}', {}),
    ("POST", "/archive/records", RECORD[:-1], {}),
    ("POST", "/archive/records", b"\xff", {}),
    ("PUT", "/archive/records/a", RECORD, {}),
    ("PUT", "/archive/records/a", b"", {}),
    ("PUT", "/archive/records/a", b"null", {}),
    ("PUT", "/archive/records/locked", b"", {}),
    ("PUT", "/archive/records/a", b"[]", {}),
    ("PATCH", "/archive/records/a", b'"new"', {"x_deadline_ms": "0"}),
    ("PATCH", "/archive/records/a", b"new", {}),
    ("PATCH", "/archive/records/a", b"", {}),
    ("GET", "/archive/nothing", b"", {}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), REQUESTS)
def test_both_ways_answer_alike(
    short: Served, long: Served, method: str, path: str, body: bytes, headers: dict[str, object]
) -> None:
    reported, runs = [], []
    for served in (short, long):
        served.archive.runs.clear()
        reply = request(served.url, path, method=method, body=body, x_correlation_id="c-1", **headers)
        reported.append(_without_date(reply))
        runs.append(list(served.archive.runs))
    assert reported[0] == reported[1]
    assert runs[0] == runs[1]


def test_right_and_wrong_requests_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[str] = []
    handle = RestRoute.handle

    async def watched(self: RestRoute, scope: Any, receive: Any, send: Any) -> None:
        handled.append(scope["path"])
        await handle(self, scope, receive, send)

    monkeypatch.setattr(RestRoute, "handle", watched)
    with serving() as served:
        assert request(served.url, "/archive/records/a").status == 200
        assert request(served.url, "/archive/records", method="POST", body=RECORD).status == 201
        assert request(served.url, "/archive/records?kind=x").status == 422
        assert handled == []
    with serving(FastAPI(dependencies=[Depends(nothing)])) as served:
        assert request(served.url, "/archive/records/a").status == 200
        assert handled == ["/archive/records/a"]


def test_a_request_on_the_short_way_is_known_to_the_method(short: Served) -> None:
    assert request(short.url, "/archive/records/a%2Fb/pages/3").json == "/archive/records/a/b/pages/3"


def _without_date(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    return reply.status, {name: value for name, value in reply.headers.items() if name != "date"}, reply.body
