"""ASGI servers that others write: the same holds under each of them as under uvicorn."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from service_core import ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.integration.lifecycle.running import end_the_group_under_load, fail_to_start, running
from tests.integration.lifecycle.ways import GRANIAN, SERVERS, WAYS, Way
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import eventually

_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ELSEWHERE = {"hypercorn", "granian"}
"""Distributions that only this environment has."""


@pytest.fixture
def consul() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture
async def manager(consul: ConsulAgent) -> AsyncIterator[ServiceManager]:
    async with ServiceManager(ConsulComponentRegistry(0, consul.url)) as manager:
        yield manager


@pytest.mark.parametrize("way", [way for way in WAYS if ELSEWHERE.intersection(way.needs)], ids=str)
async def test_a_signal_to_the_whole_group_cuts_off_no_call_and_deregisters_once(
    way: Way, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    with running(way, consul, tmp_path) as server:
        await end_the_group_under_load(way, server, consul, manager, figures)


@pytest.mark.parametrize("way", [way for way in WAYS if ELSEWHERE.intersection(way.needs)], ids=str)
def test_a_failed_start_ends_with_an_error_and_leaves_nothing(way: Way, consul: ConsulAgent, tmp_path: Path) -> None:
    fail_to_start(way, consul, tmp_path)


async def test_a_server_that_runs_no_lifespan_is_answered_with_503_and_the_reason(
    consul: ConsulAgent, tmp_path: Path
) -> None:
    way = Way(name="granian without lifespan", command=f"{GRANIAN} --interface asginl")
    with running(way, consul, tmp_path) as server:

        def refused() -> Any:
            try:
                _HTTP.open(f"http://127.0.0.1:{server.port}/health/ready", timeout=10)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.load(error)
            except OSError:
                return None

        status, problem = await asyncio.to_thread(eventually, refused, time_limit=60)
        assert status == 503
        assert "the lifespan of the application has not run" in problem["detail"]
        assert "the lifespan of the application has not run" in server.log.read_text()


@pytest.mark.parametrize("server", sorted(ELSEWHERE))
def test_the_documented_version_is_the_tested_one(server: str) -> None:
    assert metadata.version(server).startswith(f"{SERVERS[server]}.")
