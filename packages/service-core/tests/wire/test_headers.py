"""What travels beside the arguments."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.context import CallContext, Deadline
from service_core.wire import (
    CONTEXT_HEADERS,
    CORRELATION_ID,
    DEADLINE_MS,
    ITEM_TIMEOUTS_MS,
    call_headers,
    context_from_headers,
    item_timeouts_ms,
    milliseconds_left,
    with_deadline,
)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def remaining(milliseconds: str) -> float | None:
    deadline = context_from_headers({DEADLINE_MS: milliseconds}).deadline
    return None if deadline is None else deadline.remaining


def nameless(context: CallContext) -> CallContext:
    """The context but for its id."""
    return replace(context, correlation_id=None)


def test_a_context_without_anything_has_an_id_all_the_same() -> None:
    assert with_deadline({}, Deadline(math.inf)) == {}
    received = [context_from_headers({}) for _ in range(2)]
    assert [nameless(one) for one in received] == [CallContext()] * 2
    assert received[0].correlation_id != received[1].correlation_id


def test_ids_and_baggage_are_handed_on() -> None:
    context = CallContext(correlation_id="c-1", traceparent=TRACE, baggage="user=Ann, tier=1")
    headers = {CORRELATION_ID: "c-1", "traceparent": TRACE, "baggage": "user=Ann, tier=1"}
    assert call_headers(context, "c-1") == headers
    assert context_from_headers(headers) == context


def test_a_deadline_travels_as_the_milliseconds_that_are_left() -> None:
    headers = with_deadline({"a": "b"}, Deadline.after(60))
    assert headers["a"] == "b"
    assert 0 < int(headers[DEADLINE_MS]) <= 60_000
    assert remaining("60000") == pytest.approx(60, abs=10)


def test_at_least_a_millisecond_is_sent() -> None:
    assert with_deadline({}, Deadline(0.0)) == {DEADLINE_MS: "1"}


@pytest.mark.parametrize(("expires_at", "left"), [(math.inf, 0), (0.0, 1)])
def test_no_limit_sends_no_header_and_no_time_left_is_one_millisecond(expires_at: float, left: int) -> None:
    assert milliseconds_left(Deadline(expires_at)) == left


def test_no_deadline_is_longer_than_a_day() -> None:
    longest = remaining("9" * 12)
    assert longest is not None
    assert longest <= 24 * 60 * 60


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", " 5", "0x5", "\u0665", "9" * 13, "never"])
def test_a_deadline_that_is_none_is_ignored(text: str) -> None:
    assert remaining(text) is None


def test_no_time_left_is_a_deadline_too() -> None:
    assert remaining("0") == 0.0


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "ä", "a" * 129, 'a"b'])
def test_an_id_that_could_forge_a_log_line_is_ignored(text: str) -> None:
    context = context_from_headers({CORRELATION_ID: text, "traceparent": text})
    assert nameless(context) == CallContext()
    assert context.correlation_id not in (text, None)


@pytest.mark.parametrize("text", ["", "a\nb", "a\x00", "a" * 8193])
def test_baggage_that_is_too_long_or_not_text_is_ignored(text: str) -> None:
    assert nameless(context_from_headers({"baggage": text})) == CallContext()


@pytest.mark.parametrize("header", ["Bearer abc.DEF-1==", "bearer   abc.DEF-1=="])
def test_a_token_is_read_and_neither_handed_on_nor_shown(header: str) -> None:
    context = context_from_headers({"authorization": header})
    assert context.token == "abc.DEF-1=="
    assert call_headers(context, "c-1") == {CORRELATION_ID: "c-1"}
    assert "abc" not in repr(context)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a\nb", "Bearerabc"])
def test_what_is_no_bearer_token_is_ignored(header: str) -> None:
    assert context_from_headers({"authorization": header}).token is None


@given(st.dictionaries(st.sampled_from([*CONTEXT_HEADERS, "cookie"]), st.text()))
def test_any_headers_are_read(headers: dict[str, str]) -> None:
    read = context_from_headers(headers)
    for text in (read.correlation_id, read.traceparent, read.baggage):
        assert text is None or text.isprintable()


@pytest.mark.parametrize(
    ("limits", "sent", "read"),
    [
        ((10.0, 60.0), "10000,60000", (10.0, 60.0)),
        ((None, 0.5), "0,500", (math.inf, 0.5)),
        ((0.0001, math.inf), "1,0", (0.001, math.inf)),
    ],
)
def test_the_limits_of_a_stream_arrive(
    limits: tuple[float | None, float | None], sent: str, read: tuple[float, float]
) -> None:
    assert item_timeouts_ms(*limits) == sent
    assert context_from_headers({ITEM_TIMEOUTS_MS: sent}).item_timeouts == read


@pytest.mark.parametrize("malformed", ["", "1", "1,", "a,b", "-1,2", "1,2,3", "1.5,2", "1" * 13 + ",1"])
def test_malformed_limits_of_a_stream_count_as_not_sent(malformed: str) -> None:
    assert context_from_headers({ITEM_TIMEOUTS_MS: malformed}).item_timeouts is None
