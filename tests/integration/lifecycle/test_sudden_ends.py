"""Servers and Consul agents that end without a word, while calls go on through our channels."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import threading
import time

import pytest

from service_core import ComponentUnavailableException, ServiceCommunicationException, ServiceManager
from service_core.registry.subscription import Listener, Snapshot
from service_registry_consul.connection.backoff import BURST, REFILL
from tests.integration.lifecycle.conftest import MakeServer
from tests.integration.lifecycle.fleet import WorkServer, calling
from tests.integration.lifecycle.test_rolling_restart import COMPONENT, instances, until
from tests.integration.lifecycle.work import WorkService
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

AWAY = 60.0 if os.environ.get("CHAOS") == "long" else 1.0
"""Seconds for which an agent is away."""


async def two_servers(manager: ServiceManager, make_server: MakeServer) -> tuple[WorkServer, WorkServer]:
    """Two that run and are known to the client."""
    servers = make_server(), make_server()
    for server in servers:
        await asyncio.to_thread(server.start)
    await until(lambda: len(instances(manager)) == 2)
    return servers


async def test_a_server_that_is_killed_takes_at_most_the_call_in_flight_with_it(
    manager: ServiceManager, make_server: MakeServer, figures: Figures
) -> None:
    one, other = await two_servers(manager, make_server)

    async with calling(manager, "dispatch-json", at_once=1, seconds=0.002) as load:
        await until(lambda: len(load.answered) == 2)
        other.ask_to_stop(signal.SIGKILL)
        killed_at = time.monotonic()
        await until(lambda: instances(manager) == (one.url,))
        figures.add("kill -9 of one of two servers: out of the client's list after", time.monotonic() - killed_at, "s")
        await asyncio.to_thread(other.ended)
        calls = load.answered.total()
        await until(lambda: load.answered.total() > calls + 100)
        await asyncio.to_thread(other.start)
        await until(lambda: len(load.answered) == 3)

    assert len(load.failures) <= 1
    assert all(isinstance(failure, ServiceCommunicationException) for failure in load.failures)
    figures.add("kill -9 of one of two servers: failed calls that are not idempotent", len(load.failures))


async def test_an_agent_that_forgets_everything_costs_no_call(
    manager: ServiceManager, make_server: MakeServer, consul: ConsulAgent, figures: Figures
) -> None:
    await two_servers(manager, make_server)

    async with calling(manager, "dispatch-msgpack", at_once=4, seconds=0.005) as load:
        await until(lambda: len(load.answered) == 2)
        consul.kill()
        calls, back_at = load.answered.total(), time.monotonic() + AWAY
        await until(lambda: load.answered.total() > calls + 200 and time.monotonic() > back_at)
        figures.add("agent away: seconds", AWAY, "s")
        figures.add("agent away: calls meanwhile", load.answered.total() - calls)
        await asyncio.to_thread(consul.start)
        begin = time.monotonic()
        await asyncio.to_thread(_until_registered, consul, 2)
        figures.add("agent killed and started empty: both registered again after", time.monotonic() - begin, "s")
        calls = load.answered.total()
        await until(lambda: load.answered.total() > calls + 200)

    assert load.failures == []
    assert len(load.answered) == 2
    figures.add("agent killed and started empty: failed calls", len(load.failures))


async def test_an_agent_that_hangs_costs_no_call(
    manager: ServiceManager, make_server: MakeServer, consul: ConsulAgent, figures: Figures
) -> None:
    await two_servers(manager, make_server)

    async with calling(manager, "dispatch-json", at_once=4, seconds=0.005) as load:
        await until(lambda: len(load.answered) == 2)
        consul.pause()
        calls = load.answered.total()
        await until(lambda: load.answered.total() > calls + 500)
        consul.resume()

    assert load.failures == []
    figures.add("agent hangs: failed calls", len(load.failures))


async def test_a_component_without_instances_is_an_error_at_once_and_recovers(
    manager: ServiceManager, make_server: MakeServer, figures: Figures
) -> None:
    work = manager.get_service(WorkService, preferred_channel="dispatch-json")
    for _ in range(2):
        begin = time.monotonic()
        with pytest.raises(ComponentUnavailableException, match=f"component '{COMPONENT}' is registered"):
            await work.work(0)
        figures.add("component without instances: error after", (time.monotonic() - begin) * 1000, "ms")

    server = make_server()
    await asyncio.to_thread(server.start)
    await until(lambda: len(instances(manager)) == 1)
    assert await work.work(0) == server.pid


async def test_calls_move_as_soon_as_consul_knows(
    manager: ServiceManager, make_server: MakeServer, consul: ConsulAgent, figures: Figures
) -> None:
    one, other = await two_servers(manager, make_server)
    [service_id] = [
        node["Service"]["ID"]
        for node in consul.instances(COMPONENT)
        if f":{other.url.rpartition(':')[2]}" in node["Service"]["ID"]
    ]
    work = manager.get_service(WorkService, preferred_channel="dispatch-json")
    await work.work(0)
    took = []
    for _ in range(20):
        await asyncio.sleep(BURST * REFILL)  # a watch asks only so often, however much changes
        left = threading.Event()
        unsubscribe = manager.component_registry.subscribe(COMPONENT, _tell_when_only(one.url, left))
        await _maintenance(consul, service_id, "true")
        begin = time.monotonic()
        await asyncio.to_thread(left.wait, 30)
        took.append(time.monotonic() - begin)
        unsubscribe()
        assert {await work.work(0) for _ in range(10)} == {one.pid}
        await _maintenance(consul, service_id, "false")
        await until(lambda: len(instances(manager)) == 2)
    figures.add("calls move after Consul has said so, median of 20", statistics.median(took) * 1000, "ms")


def _tell_when_only(url: str, event: threading.Event) -> Listener:
    """A listener that sets the event when the address is the only one left."""

    def listen(snapshot: Snapshot) -> None:
        if snapshot and all(found.urls == (url,) for found in snapshot.values()):
            event.set()

    return listen


async def _maintenance(consul: ConsulAgent, service_id: str, enable: str) -> None:
    path = f"/v1/agent/service/maintenance/{service_id}?enable={enable}"
    await asyncio.to_thread(consul.request, "PUT", path)


def _until_registered(consul: ConsulAgent, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(consul.instances(COMPONENT)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
