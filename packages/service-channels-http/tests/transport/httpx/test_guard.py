"""How long a sync client may wait, and what a guard takes off."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service_channels_http import HTTPRequest
from service_channels_http.transport.httpx.guard import Guard, timeouts, watch
from service_core import Deadline, DeadlineExceeded

FOREVER = Deadline(float("inf"))
PAST = Deadline.after(-1)


def request_until(deadline: Deadline) -> HTTPRequest:
    return HTTPRequest(url="http://127.0.0.1", headers={}, deadline=deadline, caller="A.b of component 'c'")


def test_no_wait_is_longer_than_what_is_left() -> None:
    waits = timeouts(Deadline.after(1.0), connect_timeout=2.0)
    assert all(wait is not None and wait <= 1.0 for wait in (waits.read, waits.write, waits.pool, waits.connect))


def test_connecting_has_a_limit_of_its_own() -> None:
    waits = timeouts(Deadline.after(10.0), connect_timeout=2.0)
    assert waits.connect == 2.0
    assert waits.read is not None
    assert waits.read > 2.0


def test_without_a_deadline_only_connecting_is_limited() -> None:
    assert timeouts(FOREVER, connect_timeout=2.0) == httpx.Timeout(None, connect=2.0)


def test_a_wait_is_never_zero_which_would_not_wait_at_all() -> None:
    waits = timeouts(PAST, connect_timeout=2.0)
    assert waits.read is not None
    assert waits.read > 0


@pytest.mark.parametrize("event", ["http11.receive_response_headers.started", "http2.receive_response_headers.started"])
def test_waiting_for_an_answer_begins_with_what_connecting_has_left(event: str) -> None:
    sent = httpx.Request("POST", "http://127.0.0.1", extensions={"timeout": {"read": 5.0}})
    Guard(request_until(Deadline.after(1.0)), 100).on_event(event, {"request": sent})
    assert sent.extensions["timeout"]["read"] <= 1.0


def test_other_steps_change_no_wait() -> None:
    sent = httpx.Request("POST", "http://127.0.0.1", extensions={"timeout": {"read": 5.0}})
    Guard(request_until(Deadline.after(1.0)), 100).on_event("http11.send_request_body.started", {"request": sent})
    assert sent.extensions["timeout"]["read"] == 5.0


@pytest.mark.parametrize("extensions", [{}, {"timeout": {}}, {"timeout": {"read": None}}])
def test_a_client_without_time_limits_keeps_them_away(extensions: dict[str, Any]) -> None:
    sent = httpx.Request("POST", "http://127.0.0.1", extensions=extensions)
    Guard(request_until(FOREVER), 100).begin(httpx.Response(200, request=sent))
    assert sent.extensions == extensions


def test_headers_that_come_too_late_end_the_call() -> None:
    with pytest.raises(DeadlineExceeded, match=r"A\.b of component 'c' at http://127.0.0.1: no answer before"):
        Guard(request_until(PAST), 100).begin(httpx.Response(200))


def test_a_client_is_watched_once() -> None:
    with httpx.Client() as client:
        watch(client)
        watch(client)
        assert len(client.event_hooks["response"]) == 1
