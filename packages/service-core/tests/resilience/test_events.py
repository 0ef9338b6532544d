"""Observers receive events, and affect no call if they fail."""

from __future__ import annotations

import logging

import pytest

from service_core import CallCounters, CallEvent, CallEventKind
from service_core.resilience.events import notify


def event(kind: CallEventKind) -> CallEvent:
    return CallEvent(
        kind=kind, component="shop", channel="rest", method="Shop.buy", url="http://h", attempt=1, duration=0.1
    )


def test_counters_count_by_component_method_and_kind() -> None:
    counters = CallCounters()
    for kind in (CallEventKind.ANSWERED, CallEventKind.ANSWERED, CallEventKind.FAILED):
        notify([counters], event(kind))
    assert counters.counts() == {("shop", "Shop.buy", "answered"): 2, ("shop", "Shop.buy", "failed"): 1}
    assert counters.total(CallEventKind.ANSWERED) == 2


def test_an_observer_that_raises_is_logged_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: CallEvent) -> None:
        raise RuntimeError("broken")

    counters = CallCounters()
    with caplog.at_level(logging.ERROR, "service.events"):
        notify([broken, counters], event(CallEventKind.EJECTED))
    assert counters.total(CallEventKind.EJECTED) == 1
    assert "a call observer failed at ejected" in caplog.text
