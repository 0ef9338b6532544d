"""Servers, callers, and how much of it there is to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service_core import ServiceManager, StaticComponentRegistry
from tests.chaos.ledger import COMPONENT, Journal, Ledger, MakeLedger
from tests.chaos.processes import ServerProcess


@pytest.fixture(scope="session")
def is_long() -> bool:
    """Whether there is time for the long form."""
    return os.environ.get("CHAOS") == "long"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """What the servers of the test have carried out."""
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


@pytest.fixture
def server(journal: Journal) -> Iterator[ServerProcess]:
    """One server."""
    with ServerProcess(journal.path) as server:
        yield server


@pytest.fixture
def trio(journal: Journal) -> Iterator[list[ServerProcess]]:
    """Three servers of the same component."""
    with ExitStack() as stack:
        servers = [ServerProcess(journal.path) for _ in range(3)]
        for server in servers:
            server.launch()
            stack.push(server.__exit__)
        for server in servers:
            server.wait_until_ready()
        yield servers


@pytest.fixture
def ledger_at() -> Iterator[MakeLedger]:
    """Makes proxies of the ledger at given addresses; their managers are closed after the test."""
    with ExitStack() as stack:

        def make(*urls: str, channel: str = "dispatch-json", **options: Any) -> Ledger:
            addresses: Mapping[str, Any] = {COMPONENT: {channel: list(urls)}}
            manager = stack.enter_context(ServiceManager(StaticComponentRegistry(addresses), **options))
            return manager.get_service(Ledger)

        yield make
