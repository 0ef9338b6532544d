"""Servers are killed under load."""

from __future__ import annotations

import random
import threading
import time

from service_core import CallEvent, CallEventKind
from tests.chaos.ledger import Journal, MakeLedger
from tests.chaos.load import Call, Load, percentile
from tests.chaos.processes import ServerProcess
from tests.chaos.turns import RoundRobin
from tests.support.figures import Figures
from tests.support.waiting import PATIENCE


def test_calls_survive_servers_that_are_killed(
    trio: list[ServerProcess], journal: Journal, ledger_at: MakeLedger, figures: Figures, is_long: bool
) -> None:
    kills = 100 if is_long else 4
    with Load(ledger_at(*(server.url for server in trio))) as load:
        load.wait_for_calls(50)
        for _ in range(kills):
            victim = random.choice(trio)
            victim.kill()
            load.wait_for_calls(50)
            victim.start()
            load.wait_for_calls(50)
    assert [call.error for call in load.reads if call.error is not None] == []
    executions = journal.counts()
    assert [entry for entry, count in executions.items() if entry.startswith("book") and count > 1] == []
    # A caller whose error says that nothing has run can rely on it.
    reported = [call for call in load.bookings if call.error is not None]
    assert all(getattr(call.error, "may_have_run", True) for call in reported if executions[call.entry])
    figures.add(f"{kills} servers killed: idempotent calls", len(load.reads))
    figures.add(f"{kills} servers killed: idempotent calls that failed", 0)
    figures.add(f"{kills} servers killed: idempotent calls, p99", p99(load.reads), "ms")
    figures.add(f"{kills} servers killed: other calls", len(load.bookings))
    figures.add(f"{kills} servers killed: other calls that may have run", len(reported))
    figures.add(f"{kills} servers killed: other calls that ran twice", 0)


def test_a_killed_server_is_ejected_before_the_registry_knows(
    trio: list[ServerProcess], ledger_at: MakeLedger, figures: Figures
) -> None:
    victim, events, ejected = trio[0], list[CallEvent](), threading.Event()

    def observe(event: CallEvent) -> None:
        events.append(event)
        if event.kind is CallEventKind.EJECTED:
            ejected.set()

    ledger = ledger_at(*(server.url for server in trio), channel_factory=RoundRobin(), observers=[observe])
    with Load(ledger) as load:
        load.wait_for_calls(100)
        begin = time.monotonic()
        victim.kill()
        assert ejected.wait(PATIENCE)
        figures.add("one server killed: ejected after", (time.monotonic() - begin) * 1000, "ms")
        load.wait_for_calls(200)
    assert [event.url for event in events if event.kind is CallEventKind.EJECTED] == [victim.url]
    failures = attempts_that_met(victim, events)
    # Five, and those that were under way in the other threads.
    assert 5 <= len(failures) <= 8
    assert [call.error for call in load.reads if call.error is not None] == []


def test_a_killed_server_is_avoided_from_its_first_failure_on(
    trio: list[ServerProcess], ledger_at: MakeLedger, figures: Figures
) -> None:
    victim, events = trio[0], list[CallEvent]()
    with Load(ledger_at(*(server.url for server in trio), observers=[events.append])) as load:
        load.wait_for_calls(100)
        victim.kill()
        load.wait_for_calls(500)
    assert [call.error for call in load.reads if call.error is not None] == []
    failures = attempts_that_met(victim, events)
    figures.add("one server killed: attempts of 500 calls that met it", len(failures))
    assert len(failures) <= 25


def attempts_that_met(server: ServerProcess, events: list[CallEvent]) -> list[CallEvent]:
    return [event for event in events if event.url == server.url and event.kind is CallEventKind.FAILED]


def p99(calls: list[Call]) -> float:
    return percentile([call.seconds for call in calls], 0.99) * 1000
