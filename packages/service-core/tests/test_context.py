"""What travels with a call: deadlines and ids."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_core.context import (
    CallContext,
    Deadline,
    bearer_token,
    call_context,
    current_context,
    current_deadline,
    deadline,
    new_correlation_id,
)

PAST = Deadline(0.0)
FUTURE = Deadline(math.inf)


def test_outside_a_call_the_context_is_empty() -> None:
    assert current_context() == CallContext(deadline=None, correlation_id=None, traceparent=None, baggage=None)


def test_a_context_holds_inside_its_block_only() -> None:
    outer, inner = CallContext(correlation_id="outer"), CallContext(correlation_id="inner")
    with call_context(outer):
        with call_context(inner) as given:
            assert given is current_context() is inner
        assert current_context() is outer
    assert current_context() == CallContext()


def test_a_context_ends_with_an_error_too() -> None:
    with pytest.raises(LookupError), call_context(CallContext(correlation_id="gone")):
        raise LookupError
    assert current_context().correlation_id is None


def test_a_past_deadline_is_expired_and_leaves_nothing() -> None:
    assert (PAST.expired, PAST.remaining) == (True, 0.0)
    assert (FUTURE.expired, FUTURE.remaining) == (False, math.inf)


def test_a_deadline_is_set_on_the_monotonic_clock() -> None:
    before = time.monotonic()
    with deadline(60) as limit:
        assert current_deadline() is limit
    assert before + 60 <= limit.expires_at <= time.monotonic() + 60


def test_an_inner_deadline_can_be_shorter() -> None:
    with deadline(60), deadline(0) as limit:
        assert limit.expired


@pytest.mark.parametrize("seconds", [3600.0, None])
def test_an_inner_deadline_cannot_be_longer(seconds: float | None) -> None:
    with deadline(60) as outer, deadline(seconds) as inner:
        assert inner is outer


def test_none_takes_the_limit_away_where_there_is_none() -> None:
    with deadline(None) as limit:
        assert limit == FUTURE


def test_a_deadline_keeps_what_else_travels() -> None:
    with call_context(CallContext(correlation_id="c", traceparent="t", baggage="b")), deadline(1):
        assert current_context().correlation_id == "c"
        assert current_context().traceparent == "t"
        assert current_context().baggage == "b"


@pytest.mark.parametrize("seconds", [-1, math.nan, "2"])
def test_a_time_that_is_no_time_is_refused(seconds: Any) -> None:
    expected = rf"deadline\({seconds!r}\): give it seconds, a number from 0 on, or None for no limit"
    with pytest.raises(ValueError, match=expected), deadline(seconds):
        pytest.fail("the block was entered")


def test_a_thread_sees_the_context_that_is_copied_into_it() -> None:
    with call_context(CallContext(correlation_id="mine")), ThreadPoolExecutor(1) as pool:
        assert pool.submit(contextvars.copy_context().run, current_context).result().correlation_id == "mine"
        assert pool.submit(current_context).result().correlation_id is None


async def test_a_task_has_the_context_of_its_creator() -> None:
    async def seen() -> str | None:
        await asyncio.sleep(0)
        return current_context().correlation_id

    with call_context(CallContext(correlation_id="first")):
        first = asyncio.create_task(seen())
    with call_context(CallContext(correlation_id="second")):
        second = asyncio.create_task(seen())
    assert (await first, await second) == ("first", "second")


def test_concurrent_threads_do_not_see_each_other() -> None:
    together = threading.Barrier(8)

    def seen(number: int) -> bool:
        with call_context(CallContext(correlation_id=str(number))):
            together.wait(10)
            return current_context().correlation_id == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(seen, range(8)))


def test_correlation_ids_are_32_hexadecimal_digits_and_differ() -> None:
    ids = {new_correlation_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(identity) for identity in ids} == {32}
    assert set("".join(ids)) <= set("0123456789abcdef")


def test_a_token_holds_inside_its_block_and_is_not_shown() -> None:
    with call_context(CallContext(correlation_id="c")), bearer_token("secret"):
        assert (current_context().token, current_context().correlation_id) == ("secret", "c")
        assert "secret" not in repr(current_context())
        with bearer_token(None):
            assert current_context().token is None
    assert current_context().token is None
