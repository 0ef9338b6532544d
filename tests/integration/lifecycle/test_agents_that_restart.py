"""A cluster with client agents: that of the servers, and that of the callers, restart under load."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from service_core import ServiceManager
from service_core.registry.subscription import Snapshot
from service_registry_consul import ConsulComponentRegistry
from tests.integration.lifecycle.fleet import Load, WorkServer, calling
from tests.integration.lifecycle.test_rolling_restart import COMPONENT, instances, until
from tests.support.consul import ConsulAgent, free_ports
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

AT_ONCE = 32
AWAY = 2.0
"""Seconds for which an agent is away."""
AFTERWARDS = 5.0
"""Seconds for which calls go on when all is registered again."""


class ClientAgent:
    """An agent in client mode that can be restarted, with its disk or without."""

    def __init__(self, name: str, server: ConsulAgent, folder: Path) -> None:
        """``folder`` keeps its disks."""
        self._name = name
        self._folder = folder
        self._disks = 0
        # Without a disk the id of a node would be another one, which Consul refuses for a name that it knows.
        identity = f"-node-id={uuid.uuid5(uuid.NAMESPACE_DNS, name)}"
        join = f"-retry-join=127.0.0.1:{server.serf_port}"
        self.agent = ConsulAgent(f"-node={name}", identity, join, alone=False)

    def start(self, *, new_disk: bool) -> None:
        """Start it, and wait until it is part of the cluster."""
        self._disks += new_disk
        self.agent.launch(f"-data-dir={self._folder / self._name}-{self._disks}")
        self.agent.wait_for_leader()

    def restart(self, number: int, *, new_disk: bool) -> None:
        """End it by a signal, and start it some seconds later."""
        self.agent.stop() if number == signal.SIGTERM else self.agent.kill()
        time.sleep(AWAY)
        self.start(new_disk=new_disk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server and two clients."""

    server: ConsulAgent
    of_servers: ClientAgent
    of_callers: ClientAgent

    def registered(self) -> int:
        """How many instances the cluster knows as healthy."""
        return len(self.server.request("GET", f"/v1/health/service/{COMPONENT}?passing=1"))


class Unregistered(threading.Thread):
    """Adds up for how long less than two instances are healthy in the cluster, inside its block."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.seconds = 0.0
        self._cluster = cluster
        self._is_over = threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while not self._is_over.wait(0.05):
            is_missing, now = self._cluster.registered() < 2, time.monotonic()
            self.seconds += (now - last) * is_missing
            last = now

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over.set()
        self.join()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ConsulAgent("-node=server"))
        clients = [ClientAgent(name, server, tmp_path) for name in ("own", "far")]
        for client in clients:
            stack.push(client.agent.__exit__)
            client.start(new_disk=True)
        yield Cluster(server=server, of_servers=clients[0], of_callers=clients[1])


@pytest.mark.parametrize("disk", ["disk kept", "disk lost"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_an_agent_that_restarts_under_load_costs_no_call(
    number: signal.Signals, disk: str, cluster: Cluster, figures: Figures
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        servers = [stack.enter_context(WorkServer(cluster.of_servers.agent, port)) for port in free_ports(2)]
        for server in servers:
            await asyncio.to_thread(server.start)
        registry = ConsulComponentRegistry(0, cluster.of_callers.agent.url)
        manager = await stack.enter_async_context(ServiceManager(registry))
        await until(lambda: len(instances(manager)) == 2)
        known: list[Snapshot] = []
        registry.subscribe(COMPONENT, known.append)
        for whose, agent in (("servers", cluster.of_servers), ("callers", cluster.of_callers)):
            async with calling(manager, "dispatch-json", at_once=AT_ONCE, seconds=0.05) as load:
                with Unregistered(cluster) as unregistered:
                    await asyncio.to_thread(agent.restart, number, new_disk=disk == "disk lost")
                    await until(lambda: cluster.registered() == 2 and _is_current(registry))
                    await _more_calls(load)
            name = f"agent of the {whose}, {number.name}, {disk}, under load"
            figures.add(f"{name}: calls", load.answered.total())
            figures.add(f"{name}: failed calls", len(load.failures))
            figures.add(f"{name}: an instance not registered for", unregistered.seconds, "s")
            assert load.failures == []
        assert all(known)  # no moment without an address


def _is_current(registry: ConsulComponentRegistry) -> bool:
    status = registry.status()
    return status.connected and not status.stale


async def _more_calls(load: Load) -> None:
    answered = load.answered.total()
    await until(lambda: load.answered.total() > answered + 100)
    await asyncio.sleep(AFTERWARDS)
