"""Failures as problem details, and what is made of other servers' failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service_core.errors import ErrorCode
from service_core.rest import PROBLEM_TYPE, Problem, read_message, read_problem
from service_core.wire import WireError

ERROR = WireError(
    type="DocumentNotFound",
    code=ErrorCode.NOT_FOUND,
    message="no such document",
    details={"fields": {"name": "x"}},
    correlation_id="abc",
)


def test_a_failure_travels_as_problem_details() -> None:
    assert json.loads(Problem.of(ERROR, executed=True).to_json()) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no such document",
        "code": "not_found",
        "error": "DocumentNotFound",
        "details": {"fields": {"name": "x"}},
        "correlation_id": "abc",
        "executed": True,
        "downstream": False,
    }


@pytest.mark.parametrize("executed", [True, False])
def test_a_problem_is_read_as_the_failure_that_it_was(*, executed: bool) -> None:
    problem = read_problem(f"{PROBLEM_TYPE}; charset=utf-8", Problem.of(ERROR, executed=executed).to_json())
    assert problem is not None
    assert (problem.to_error(), problem.executed) == (ERROR, executed)


def test_a_status_may_be_more_exact_than_the_code() -> None:
    problem = Problem.of(WireError(code=ErrorCode.INVALID_ARGUMENT), status=415)
    assert (problem.status, problem.title) == (415, "Unsupported Media Type")


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/html", b"<html>"),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'{"detail": "x"}'),
        (PROBLEM_TYPE, b'{"title": "Not Found", "status": 404}'),
        (PROBLEM_TYPE, b'{"title": "Not Found", "status": 404, "code": "gone"}'),
    ],
)
def test_other_answers_are_no_problems_of_ours(content_type: str, content: bytes) -> None:
    assert read_problem(content_type, content) is None


@pytest.mark.parametrize(
    ("content", "message", "details"),
    [
        ({"detail": "Not authenticated"}, "Not authenticated", None),
        ({"title": "Out of credit", "status": 403, "type": "https://x.example/credit"}, "Out of credit", None),
        ({"message": "Bad credentials", "documentation_url": "x"}, "Bad credentials", None),
        ({"error": "nope"}, "nope", None),
        (
            {"detail": [{"loc": ["body", "x"], "msg": "wrong", "type": "int", "input": "secret"}]},
            "wrong",
            [{"loc": ["body", "x"], "msg": "wrong", "type": "int"}],
        ),
    ],
)
def test_the_message_of_other_servers_is_found(content: Any, message: str, details: Any) -> None:
    error = read_message(403, "application/json", json.dumps(content).encode())
    assert error == WireError(code=ErrorCode.PERMISSION_DENIED, message=message, details=details)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/plain", b"Internal Server Error"),
        ("application/json", b'{"detail": '),
        ("application/json", b'"text"'),
        ("application/json", b"{}"),
        ("application/json", b'{"detail": [1]}'),
        ("application/json", b'{"detail": []}'),
        ("application/json", b'{"detail": {"x": 1}}'),
    ],
)
def test_an_answer_may_have_no_message(content_type: str, content: bytes) -> None:
    assert read_message(500, content_type, content) is None
