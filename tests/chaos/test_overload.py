"""Servers that are slow, busy or all gone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service_core import CallCounters, CallEvent, CallEventKind, ServiceCommunicationException, deadline
from tests.chaos.busy_server import BusyServer
from tests.chaos.ledger import MakeLedger
from tests.chaos.load import Load, percentile
from tests.chaos.processes import ServerProcess
from tests.chaos.turns import RoundRobin
from tests.support.figures import Figures
from tests.support.proxy import FaultProxy

RESERVE = 100
"""Retries in ten seconds that need no calls to earn them."""


@pytest.fixture
def busy_trio() -> Iterator[list[BusyServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(BusyServer()) for _ in range(3)]


def test_calls_move_away_from_a_slow_server(
    trio: list[ServerProcess], ledger_at: MakeLedger, figures: Figures, is_long: bool
) -> None:
    with FaultProxy(trio[0].port) as proxy:
        ledger = ledger_at(proxy.url, trio[1].url, trio[2].url)
        with Load(ledger, threads=8) as load:
            load.wait_for_calls(300)
            begin = time.monotonic()
            proxy.delay = 0.25  # and the same on the way back
            load.wait_for_calls(20_000 if is_long else 4_000)
        calls = [call for call in load.calls if call.ended_at > begin]
    assert [call.error for call in calls if call.error is not None] == []
    share = sum(call.server == trio[0].pid for call in calls) / len(calls)
    assert share < 0.1
    figures.add("one server 500 ms slower: its share of the calls", share * 100, "%")
    for percent in (50, 95, 99):
        figures.add(
            f"one server 500 ms slower: p{percent} of all calls",
            percentile([call.seconds for call in calls], percent / 100) * 1000,
            "ms",
        )


def test_an_outage_of_all_is_not_made_worse_by_retries(
    busy_trio: list[BusyServer], ledger_at: MakeLedger, figures: Figures, is_long: bool
) -> None:
    counters, calls = CallCounters(), 20_000 if is_long else 2_000
    ledger = ledger_at(*(server.url for server in busy_trio), observers=[counters])
    begin = time.monotonic()
    for number in range(calls):
        with pytest.raises(ServiceCommunicationException):
            ledger.read(f"read-{number}")
    windows = math.ceil((time.monotonic() - begin) / 10)
    requests = sum(server.requests for server in busy_trio)
    assert requests == calls + counters.total(CallEventKind.RETRIED)
    assert requests <= 1.2 * calls + RESERVE * windows
    assert counters.total(CallEventKind.BUDGET_EXHAUSTED) > 0
    figures.add("all answer 503: attempts for each call", requests / calls)
    figures.add("all answer 503: attempts for each call, after the reserve", (requests - RESERVE * windows) / calls)


def test_calls_succeed_again_as_soon_as_all_servers_are_back(
    trio: list[ServerProcess], ledger_at: MakeLedger, figures: Figures
) -> None:
    events = list[CallEvent]()
    ledger = ledger_at(*(server.url for server in trio), channel_factory=RoundRobin(), observers=[events.append])
    ledger.read("before")
    for server in trio:
        server.kill()
    for number in range(50):
        with deadline(1.0), pytest.raises(ServiceCommunicationException) as caught:
            ledger.book(f"book-{number}")
        assert not caught.value.may_have_run or number < 3  # connections from before
    for server in trio:
        server.launch()
    for server in trio:
        server.wait_until_ready()
    begin = time.monotonic()
    ledger.read("after")
    figures.add("all were gone: first answer after their return", (time.monotonic() - begin) * 1000, "ms")
    assert all(ledger.read(f"after-{number}") for number in range(20))
    ejected = {event.url for event in events if event.kind is CallEventKind.EJECTED}
    assert len(ejected) <= 1  # at most half of three
    figures.add("all were gone: servers ejected meanwhile", len(ejected))
