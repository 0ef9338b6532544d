"""What OpenAPI tells about the routes of services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from archive import Served, serving
from fastapi import FastAPI
from pydantic import BaseModel
from raw_http import request


class Mine(BaseModel):
    raw: bytes


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    app = FastAPI(title="Ours")

    @app.get("/mine")
    async def mine() -> Mine:
        return Mine(raw=b"x")

    app.openapi()  # the user has looked at it before
    with serving(app) as served:
        yield served


@pytest.fixture(scope="module")
def document(served: Served) -> Any:
    return request(served.url, "/openapi.json").json


@pytest.fixture(scope="module")
def paths(document: Any) -> Any:
    return document["paths"]


def schema_of(document: Any, schema: Any) -> Any:
    name = schema["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]


def test_the_interactive_documentation_is_served(served: Served) -> None:
    reply = request(served.url, "/docs")
    assert (reply.status, b"/openapi.json" in reply.body) == (200, True)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_interactive_documentation_needs_no_other_host(page: str) -> None:
    with serving() as served:
        loaded = re.findall(r'(?:src|href)="([^"]+)"', request(served.url, page).body.decode())
        assert any(path.endswith(".js") for path in loaded)
        assert {path: request(served.url, path).status for path in loaded} == dict.fromkeys(loaded, 200)


def test_all_routes_and_only_they_are_documented(document: Any, paths: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        "/mine": ["get"],
        "/archive/records": ["get", "post"],
        "/archive/records/latest": ["get"],
        "/archive/records/{key}": ["delete", "get", "patch", "put"],
        "/archive/records/{key}/pages/{page}": ["get"],
        "/archive/mark": ["post"],
        "/archive/block": ["post"],
        "/archive/linger": ["post"],
    }


def test_operations_have_names_of_their_own(paths: Any) -> None:
    names = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert paths["/archive/records"]["post"]["operationId"] == "archive.add"


def test_texts_come_from_the_docstring_or_the_decorator(paths: Any) -> None:
    records, add = paths["/archive/records"]["get"], paths["/archive/records"]["post"]
    assert (records["summary"], records["description"]) == ("All records.", "Sorted by title.")
    assert (add["summary"], add["description"]) == ("Add", "Adds a record.")
    assert records["tags"] == ["archive"]
    latest = paths["/archive/records/latest"]["get"]
    assert (latest["tags"], latest["deprecated"]) == (["latest"], True)


def test_parameters_are_described_as_they_travel(document: Any, paths: Any) -> None:
    kinds, since = paths["/archive/records"]["get"]["parameters"]
    assert (kinds["name"], kinds["in"], kinds["required"], kinds["description"]) == (
        "kind",
        "query",
        False,
        "Which kinds.",
    )
    assert schema_of(document, kinds["schema"]["items"])["enum"] == ["book", 7]
    assert kinds["schema"]["examples"] == [["book"]]
    assert {"type": "string", "format": "date"} in since["schema"]["anyOf"]
    key, etag = paths["/archive/records/{key}"]["get"]["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("key", "path", True)
    assert (etag["name"], etag["in"], etag["schema"]["default"]) == ("if-none-match", "header", "")


def test_a_body_is_described_as_it_travels(document: Any, paths: Any) -> None:
    body = paths["/archive/records"]["post"]["requestBody"]
    assert body["required"] is True
    schema = schema_of(document, body["content"]["application/json"]["schema"])
    assert schema["required"] == ["theTitle"]
    assert schema["properties"]["content"]["contentEncoding"] == "base64url"
    assert "requestBody" not in paths["/archive/records"]["get"]
    assert "required" not in paths["/archive/records/{key}"]["put"]["requestBody"]


def test_a_success_is_described_with_its_status_and_examples(document: Any, paths: Any) -> None:
    added = paths["/archive/records"]["post"]["responses"]["201"]
    assert schema_of(document, added["content"]["application/json"]["schema"])["title"] == "Record"
    listed = paths["/archive/records"]["get"]["responses"]["200"]["content"]["application/json"]
    assert listed["examples"] == {"example 1": {"value": ["a"]}}
    assert paths["/archive/records/{key}"]["delete"]["responses"]["204"] == {"description": "Success"}
    stored = paths["/archive/records/{key}"]["put"]["responses"]["200"]["content"]["application/json"]
    assert stored["schema"]["type"] == "null"


def test_failures_are_problems(document: Any, paths: Any) -> None:
    responses = paths["/archive/records"]["post"]["responses"]
    assert sorted(responses) == ["201", "400", "413", "415", "422", "500", "503", "504", "default"]
    for status, response in responses.items():
        if status != "201":
            [(content_type, content)] = response["content"].items()
            assert content_type == "application/problem+json"
            assert schema_of(document, content["schema"])["title"] == "Problem"


def test_a_declared_error_is_described_with_its_fields(document: Any, paths: Any) -> None:
    responses = paths["/archive/records/{key}"]["put"]["responses"]
    assert responses["404"]["description"] == "There is no such record."
    schema = schema_of(document, responses["404"]["content"]["application/problem+json"]["schema"])
    assert (schema["properties"]["error"]["const"], schema["properties"]["code"]["const"]) == (
        "RecordNotFound",
        "not_found",
    )
    details = schema_of(document, schema["properties"]["details"])
    fields = schema_of(document, details["properties"]["fields"])
    assert fields["properties"]["key"]["type"] == "string"
    assert "412" in responses


def test_what_the_user_documents_stays_as_it_was(document: Any, paths: Any) -> None:
    assert document["info"]["title"] == "Ours"
    mine = paths["/mine"]["get"]["responses"]["200"]["content"]["application/json"]
    assert "contentEncoding" not in schema_of(document, mine["schema"])["properties"]["raw"]
