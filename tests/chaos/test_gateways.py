"""Real gateways between callers and servers, which reload, restart, and lose servers under load."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_core import ServiceCommunicationException
from tests.chaos.ledger import Journal, Ledger, MakeLedger
from tests.chaos.load import Load
from tests.chaos.processes import ServerProcess
from tests.support.figures import Figures
from tests.support.gateways import Gateway, HAProxy, Nginx
from tests.support.waiting import eventually


@pytest.fixture(params=[Nginx, HAProxy])
def gateway(request: pytest.FixtureRequest, trio: list[ServerProcess], tmp_path: Path) -> Iterator[Gateway]:
    with request.param(tmp_path, [server.port for server in trio]) as gateway:
        yield gateway


def check(load: Load, journal: Journal, figures: Figures, what: str) -> None:
    """Each call ran at most once unless it is idempotent, and what failed without having run did not run."""
    executions = journal.counts()
    twice = [entry for entry, count in executions.items() if entry.startswith("book") and count > 1]
    failed = [call for call in load.bookings if call.error is not None]
    assert twice == []
    assert [call.entry for call in load.bookings if call.error is None and executions[call.entry] != 1] == []
    assert [call.entry for call in failed if executions[call.entry] and not call.error.may_have_run] == []  # type: ignore[union-attr]
    assert load.mistaken == []
    figures.add(f"{what}: calls that are not idempotent", len(load.bookings))
    figures.add(f"{what}: of these failed, as they may have run", len(failed))
    figures.add(f"{what}: of these ran twice", len(twice))


def test_a_gateway_that_reloads_costs_no_idempotent_call(
    gateway: Gateway, journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    with Load(ledger_at(gateway.url)) as load:
        for _ in range(5):
            load.wait_for_calls(100)
            gateway.reload()
        load.wait_for_calls(200)

    check(load, journal, figures, f"{gateway.program} reloaded 5 times")
    assert [call.error for call in load.reads if call.error is not None] == []


def test_servers_that_are_killed_behind_a_gateway_run_each_call_at_most_once(
    gateway: Gateway, trio: list[ServerProcess], journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    with Load(ledger_at(gateway.url)) as load:
        for victim in trio:
            load.wait_for_calls(100)
            victim.kill()
            load.wait_for_calls(100)
            victim.start()
        eventually(lambda: {call.server for call in load.reads[-200:]} >= {server.pid for server in trio})

    check(load, journal, figures, f"3 servers killed behind {gateway.program}")


def test_a_gateway_that_is_killed_runs_each_call_at_most_once(
    gateway: Gateway, journal: Journal, ledger_at: MakeLedger, figures: Figures
) -> None:
    with Load(ledger_at(gateway.url)) as load:
        for _ in range(3):
            load.wait_for_calls(100)
            gateway.stop(signal.SIGTERM)
            load.wait_for_calls(10)
            gateway.start()
        load.wait_for_calls(200)

    check(load, journal, figures, f"{gateway.program} restarted 3 times")


@pytest.mark.parametrize("program", [Nginx, HAProxy])
def test_a_call_that_the_gateway_gives_up_may_have_run_and_is_not_repeated(
    program: type[Gateway], trio: list[ServerProcess], journal: Journal, ledger_at: MakeLedger, tmp_path: Path
) -> None:
    with program(tmp_path, [server.port for server in trio], read_timeout=1) as gateway:
        ledger: Ledger = ledger_at(gateway.url)
        with pytest.raises(ServiceCommunicationException, match="504") as given_up:
            ledger.block(5)

    assert given_up.value.may_have_run


def test_a_gateway_without_servers_is_named_as_the_origin_of_its_answer(
    gateway: Gateway, trio: list[ServerProcess], ledger_at: MakeLedger
) -> None:
    ledger = ledger_at(gateway.url)
    assert ledger.echo("a") == "a"
    for server in trio:
        server.kill()

    with pytest.raises(ServiceCommunicationException, match=r"50[23]") as refused:
        ledger.book("b")
    assert refused.value.may_have_run
    assert "gateway" in str(refused.value)
