"""Connections that break, hang or grow old at the worst moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from service_core import DeadlineExceeded, ServiceCommunicationException, deadline
from tests.chaos.ledger import Journal, MakeLedger
from tests.chaos.load import percentile
from tests.chaos.processes import ServerProcess
from tests.chaos.turns import RoundRobin
from tests.support.figures import Figures
from tests.support.proxy import FaultProxy

CLIENTS_KEEP = 4.0
"""Seconds that channels keep idle connections."""


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as proxy:
        yield proxy


async def test_connections_that_idled_for_the_keep_alive_time_lose_no_call(
    server: ServerProcess, journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    # Each task has a connection of its own, and uses it again at another moment around the end of its time.
    ledger = ledger_at(server.url)
    begun = asyncio.Barrier(40)

    async def idle_and_call(number: int) -> None:
        await ledger.linger(0.1)  # so that no call takes another's connection
        await begun.wait()
        await asyncio.sleep(CLIENTS_KEEP - 0.1 + number * 0.005)
        await ledger.book_async(f"book-{number}")

    await asyncio.gather(*(idle_and_call(number) for number in range(40)))
    executions = journal.counts()
    assert executions == {f"book-{number}": 1 for number in range(40)}
    figures.add("idle for the keep-alive time: failures of 40 calls", 0)
    figures.add("idle for the keep-alive time: executions of 40 calls", executions.total())


def test_connections_that_the_server_is_about_to_close_lose_no_call(
    journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    with ServerProcess(journal.path, keep_alive=1.0) as server:
        ledger = ledger_at(server.url)
        reported = []
        for number in range(8):
            ledger.read("warm")
            time.sleep(0.97 + number * 0.01)
            try:
                ledger.book(f"book-{number}")
            except ServiceCommunicationException as error:
                reported.append(error)
    # If the connection ends at the very moment at which a call is sent, it is unknown whether it has run.
    assert all(error.may_have_run for error in reported)
    executions = {entry: count for entry, count in journal.counts().items() if entry.startswith("book")}
    assert all(count == 1 for count in executions.values())
    assert len(executions) >= 8 - len(reported)
    figures.add("idle for a server's shorter keep-alive time: failures of 8 calls", len(reported))
    figures.add("idle for a server's shorter keep-alive time: executions of 8 calls", sum(executions.values()))


def test_a_call_that_may_have_run_is_not_repeated(
    proxy: FaultProxy, journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    ledger = ledger_at(proxy.url)
    proxy.break_after(answers=0)
    for number in range(30):
        with pytest.raises(ServiceCommunicationException, match="the call may have run") as caught:
            ledger.book(f"book-{number}")
        assert caught.value.may_have_run
    executions = journal.counts()
    assert executions == {f"book-{number}": 1 for number in range(30)}
    figures.add("reset after sending: executions of 30 calls", executions.total())
    figures.add("reset after sending: callers informed that it may have run", 30)


def test_a_call_that_may_have_run_is_repeated_if_that_does_no_harm(
    server: ServerProcess, proxy: FaultProxy, journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    ledger = ledger_at(proxy.url, server.url, channel_factory=RoundRobin())
    proxy.break_after(answers=0)
    for number in range(10):
        assert ledger.read(f"read-{number}") == server.pid
    executions = journal.counts()
    assert executions.keys() == {f"read-{number}" for number in range(10)}
    assert executions.total() == 10 + proxy.pieces
    assert proxy.pieces > 0
    figures.add("reset after sending: failures of 10 idempotent calls", 0)


def test_bytes_that_were_sent_may_have_arrived(proxy: FaultProxy, journal: Journal, ledger_at: MakeLedger) -> None:
    ledger = ledger_at(proxy.url)
    proxy.break_after(requests=0)
    with pytest.raises(ServiceCommunicationException) as caught:
        ledger.book("book")
    assert caught.value.may_have_run  # it cannot be known that it did not
    proxy.heal()
    assert ledger.book("again")
    assert journal.counts() == {"again": 1}


@pytest.mark.parametrize("cut_at", [1, 40, 150])
def test_an_answer_that_is_cut_short_is_none(
    proxy: FaultProxy, journal: Journal, ledger_at: MakeLedger, cut_at: int
) -> None:
    ledger = ledger_at(proxy.url)
    proxy.break_after(answers=cut_at, politely=True)
    with pytest.raises(ServiceCommunicationException) as caught:
        ledger.book("book")
    assert caught.value.may_have_run
    assert journal.counts() == {"book": 1}


def test_the_deadline_holds_when_the_server_is_gone_silently(
    proxy: FaultProxy, ledger_at: MakeLedger, figures: Figures
) -> None:
    ledger, given, late = ledger_at(proxy.url), 0.1, list[float]()
    ledger.read("warm")
    proxy.swallow()
    for _ in range(25):
        begin = time.monotonic()
        with deadline(given), pytest.raises(DeadlineExceeded):
            ledger.read("read")
        late.append((time.monotonic() - begin - given) * 1000)
    figures.add("server black-holed: deadline overshot by, sync, p99", percentile(late, 0.99), "ms")


async def test_the_deadline_of_async_calls_holds_when_the_server_is_gone_silently(
    proxy: FaultProxy, ledger_at: MakeLedger, figures: Figures
) -> None:
    ledger, given, late = ledger_at(proxy.url), 0.1, list[float]()
    await ledger.read_async("warm")
    proxy.swallow()
    for _ in range(25):
        begin = time.monotonic()
        with deadline(given), pytest.raises(DeadlineExceeded):
            await ledger.read_async("read")
        late.append((time.monotonic() - begin - given) * 1000)
    figures.add("server black-holed: deadline overshot by, async, p99", percentile(late, 0.99), "ms")


def test_the_deadline_holds_when_the_server_hangs(
    server: ServerProcess, ledger_at: MakeLedger, figures: Figures
) -> None:
    ledger = ledger_at(server.url)
    ledger.read("warm")
    server.pause()
    begin = time.monotonic()
    with deadline(0.5), pytest.raises(DeadlineExceeded):
        ledger.read("read")
    figures.add("server hangs: deadline overshot by", (time.monotonic() - begin - 0.5) * 1000, "ms")
    server.resume()
    assert ledger.read("read") == server.pid
