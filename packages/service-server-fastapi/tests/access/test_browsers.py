"""Requests that a page of another origin can make a browser send without a preflight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from archive import Served, serving
from fastapi import Depends, FastAPI
from raw_http import Reply, request

from service_server_fastapi import ServerSettings

FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "TEXT/PLAIN;charset=a"]
FOREIGN: list[dict[str, Any]] = [
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site", "origin": "http://test:81"},
    {"sec_fetch_site": "cross-site", "origin": "http://test"},
    {"origin": "null"},
    {"origin": "http://other.example"},
    {"origin": "http://test:81"},
    {"origin": "https://test.other.example"},
]
OWN: list[dict[str, object]] = [
    {},
    {"sec_fetch_site": "same-origin", "origin": "http://test"},
    {"sec_fetch_site": "none"},
    {"origin": "http://test"},
    {"origin": "https://TEST:443"},
]


def nothing() -> None:
    """A dependency, which makes FastAPI answer the routes."""


@pytest.fixture(scope="module", params=[None, nothing], ids=["fast path", "over FastAPI"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    app = None if request.param is None else FastAPI(dependencies=[Depends(request.param)])
    with serving(app, allowed_origins=("https://shop.example.org", "http://localhost:3000")) as served:
        yield served


@pytest.fixture(autouse=True)
def _nothing_ran(served: Served) -> None:
    served.archive.runs.clear()


def post(served: Served, **headers: Any) -> Reply:
    return request(served.url, "/archive/mark", method="POST", **{"content_type": None, **headers})


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_post_without_a_type_from_a_foreign_page_runs_nothing_and_names_the_setting(
    served: Served, headers: dict[str, object]
) -> None:
    reply = post(served, **headers)
    assert (reply.status, reply.json["code"], reply.json["executed"]) == (403, "permission_denied", False)
    assert "the setting allowed_origins (SERVICE_SERVER_ALLOWED_ORIGINS)" in reply.json["detail"]
    assert served.archive.runs == []


@pytest.mark.parametrize("headers", OWN)
def test_a_post_without_a_type_from_a_program_or_a_page_of_the_server_runs(
    served: Served, headers: dict[str, object]
) -> None:
    assert post(served, **headers).status == 200
    assert served.archive.runs == [("mark",)]


@pytest.mark.parametrize(
    "origin", ["https://shop.example.org", "https://shop.example.org:443", "http://localhost:3000"]
)
@pytest.mark.parametrize("site", [None, "cross-site"])
def test_a_page_of_an_allowed_origin_is_served_as_the_servers_own(served: Served, origin: str, site: Any) -> None:
    assert post(served, origin=origin, sec_fetch_site=site).status == 200


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize(("verb", "path"), [("POST", "/archive/mark"), ("PUT", "/archive/records/a")])
def test_forms_and_texts_are_refused_from_all_clients(served: Served, content_type: str, verb: str, path: str) -> None:
    reply = request(served.url, path, method=verb, content_type=content_type)
    assert reply.status == 415
    assert "any page can make a browser send it; send application/json" in reply.json["detail"]
    assert served.archive.runs == []


@pytest.mark.parametrize(("verb", "path"), [("GET", "/archive/records"), ("DELETE", "/archive/records/a")])
def test_requests_that_are_safe_or_were_preflighted_are_left_to_cors(served: Served, verb: str, path: str) -> None:
    assert request(served.url, path, method=verb, content_type=None, **FOREIGN[0]).status < 300


def test_json_of_a_foreign_page_was_preflighted(served: Served) -> None:
    assert post(served, content_type="application/json", **FOREIGN[0]).status == 200


@pytest.mark.parametrize("origin", ["*", "null", "shop.example.org", "https://shop.example.org/", "https://a b", ""])
def test_an_origin_that_is_none_is_refused_as_a_setting(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin; write scheme, host and port"):
        ServerSettings(allowed_origins=(origin,))


def test_origins_are_divided_by_commas_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_ALLOWED_ORIGINS", "https://A.example.org:443, http://b:81")
    assert ServerSettings().allowed_origins == ("https://a.example.org", "http://b:81")
