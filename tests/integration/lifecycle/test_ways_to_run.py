"""Each way to run a server: calls are answered, the workers share a registration, a signal to the group is one stop."""

from __future__ import annotations

import contextlib
from importlib import metadata
from pathlib import Path

import pytest

from service_core import ServiceManager
from tests.integration.lifecycle.fleet import ROOT
from tests.integration.lifecycle.running import end_the_group_under_load, fail_to_start, forwarding, running
from tests.integration.lifecycle.ways import ENVIRONMENTS, SERVERS, WAYS, Environment, Way, table
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures

ELSEWHERE = {"hypercorn", "granian"}
"""Distributions that only the environment ``ecosystem`` has."""
_LIKE_ANOTHER = ("--fd", "--uds", "--preload", "--max-requests")
"""Options with which a start fails as without them."""

_ONE_OF_EACH_KIND = [
    way
    for way in WAYS
    if not ELSEWHERE.intersection(way.needs) and not any(option in way.command for option in _LIKE_ANOTHER)
]


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in WAYS if not ELSEWHERE.intersection(way.needs)], ids=str)
async def test_a_signal_to_the_whole_group_cuts_off_no_call_and_deregisters_once(
    way: Way, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(running(way, consul, tmp_path))
        if "{uds}" in way.command:
            await stack.enter_async_context(forwarding(server.port, tmp_path / "server.sock"))
        await end_the_group_under_load(way, server, consul, manager, figures)


@pytest.mark.slow
@pytest.mark.parametrize("way", _ONE_OF_EACH_KIND, ids=str)
def test_a_failed_start_ends_with_an_error_and_leaves_nothing(way: Way, consul: ConsulAgent, tmp_path: Path) -> None:
    fail_to_start(way, consul, tmp_path)


def test_the_documentation_has_the_table_of_the_ways() -> None:
    assert table() in (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("server", sorted(SERVERS.keys() - ELSEWHERE))
def test_the_documented_version_is_the_tested_one(server: str) -> None:
    assert metadata.version(server).startswith(f"{SERVERS[server]}.")


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_each_environment_has_its_test(environment: Environment) -> None:
    file, _, name = environment.test.partition("::")
    assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")
