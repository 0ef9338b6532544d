"""One trace through three services over three channels."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

Spans = list[dict[str, Any]]


@pytest.fixture(scope="module")
def spans() -> Spans:
    program = [sys.executable, "-m", "tests.integration.observability.three_services"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: Spans = json.loads(done.stdout)
    return found


def test_all_spans_are_one_trace_from_caller_to_the_last_service(spans: Spans) -> None:
    by_id = {span["id"]: span for span in spans}
    span: dict[str, Any] | None = next(one for one in spans if (one["name"], one["kind"]) == ("prices/price", "SERVER"))
    path = []
    while span is not None:
        path.append((span["kind"], span["name"]))
        span = by_id.get(span["parent"])

    assert path[::-1] == [
        (kind, name) for name in ("orders/place", "stock/reserve", "prices/price") for kind in ("CLIENT", "SERVER")
    ]
    assert len({span["trace"] for span in spans}) == 1


def test_each_service_is_called_over_a_channel_of_its_own(spans: Spans) -> None:
    channels = {span["name"]: span["channel"] for span in spans if span["kind"] == "CLIENT"}

    assert channels == {"orders/place": "dispatch-json", "stock/reserve": "dispatch-msgpack", "prices/price": "rest"}


def test_attempts_at_an_instance_that_is_down_are_visible(spans: Spans) -> None:
    events = [event for span in spans for event in span["events"]]

    assert {"attempt failed", "retry"} <= set(events)
