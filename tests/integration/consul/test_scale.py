"""Two hundred watched components in one process, and many processes at one agent."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, cast

import pytest

from service_core import ChannelAddress
from service_core.registry.subscription import Snapshot
from service_core.testing import SnapshotRecorder, fresh_component
from service_registry_consul import ConsulSettings
from tests.integration.consul.parts import MakeRegistry, registered_elsewhere, urls
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
COMPONENTS = [f"scale-{number}" for number in range(200)]
WAIT = 3.0
"""Much shorter than the default, so that the idle time sees every query run out and be asked again."""
IDLE = 2 * WAIT
DEFAULT_WAIT = ConsulSettings().wait
AGENT_LIMIT = 200
"""Connections from one address (limits.http_max_conns_per_client)."""


def test_two_hundred_watched_components_cost_next_to_nothing(
    own_consul: ConsulAgent, make_registry: MakeRegistry, figures: Figures
) -> None:
    others = set(threading.enumerate())
    caller = make_registry(own_consul, wait=WAIT)
    for component in COMPONENTS:
        caller.snapshot(component)
    for component in COMPONENTS:
        assert caller.wait_until_known(component, PATIENCE) == {}

    threads = set(threading.enumerate()) - others
    began, used = time.monotonic(), sum(map(cpu_seconds, threads))
    time.sleep(IDLE)
    cpu = (sum(map(cpu_seconds, threads)) - used) / (time.monotonic() - began)
    # Nothing happens but that queries run out, so it falls with the wait.
    cpu_by_default = cpu * WAIT / DEFAULT_WAIT
    connections = connections_to(own_consul.port)
    figures.add(f"200 watched components, idle: CPU with a wait of {WAIT:g} s", cpu * 100, "%")
    figures.add(f"200 watched components, idle: CPU with the default of {DEFAULT_WAIT:g} s", cpu_by_default * 100, "%")
    figures.add("200 watched components, idle: threads", len(threads))
    figures.add("200 watched components, idle: connections", connections)
    assert cpu_by_default < 0.01
    assert len(threads) < 20
    assert connections < AGENT_LIMIT
    assert caller.status().connected


def cpu_seconds(thread: threading.Thread) -> float:
    """What a thread has used so far."""
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def test_each_of_two_hundred_components_is_seen_to_change(own_consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    caller = make_registry(own_consul)
    listeners = {component: SnapshotRecorder() for component in COMPONENTS}
    for component, listener in listeners.items():
        caller.subscribe(component, listener)
    for number, component in enumerate(COMPONENTS):
        registered_elsewhere(own_consul, component, f"http://127.0.0.1:{1000 + number}")
    for number, listener in enumerate(listeners.values()):
        assert urls(listener.wait_until(bool, PATIENCE)) == {f"http://127.0.0.1:{1000 + number}"}
    for component in COMPONENTS:
        own_consul.deregistered(f"{component}-other")
    for listener in listeners.values():
        listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def test_a_registration_without_check_is_seen_by_a_shared_watch_too(
    own_consul: ConsulAgent, make_registry: MakeRegistry
) -> None:
    caller, listener = make_registry(own_consul, max_queries=1), SnapshotRecorder()
    caller.wait_until_known("takes-the-only-watch", PATIENCE)
    caller.subscribe("without-check", listener)
    listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
    for port in (1, 2):
        url = f"http://127.0.0.1:{port}"
        own_consul.registered(Name="without-check", ID="one", Meta={"channels": f"rest({url})"})
        listener.wait_until(partial(_offers_just, url), PATIENCE)


def _offers_just(url: str, snapshot: Snapshot) -> bool:
    return urls(snapshot) == {url}


def connections_to(port: int) -> int:
    """Connections of this machine to a port on the loopback interface, as the kernel lists them."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    remote_and_state = (line.split()[2:4] for line in lines)
    return sum(remote.endswith(f":{port:04X}") and state == "01" for remote, state in remote_and_state)


@pytest.fixture
def start_client() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a client process that watches components; all end together after the test."""
    with ExitStack() as processes, ExitStack() as inputs:

        def start(url: str, *components: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "tests.integration.consul.watching_program", url, *components]
            client = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.enter_context(client)
            inputs.callback(cast("IO[str]", client.stdin).close)
            return client

        yield start


def test_twenty_five_clients_of_ten_components_leave_room_at_the_agent_for_a_server(
    own_consul: ConsulAgent,
    make_registry: MakeRegistry,
    start_client: Callable[..., subprocess.Popen[str]],
    figures: Figures,
) -> None:
    components = COMPONENTS[:10]
    for number, component in enumerate(components):
        registered_elsewhere(own_consul, component, f"http://127.0.0.1:{1000 + number}")
    begin = time.monotonic()
    clients = [start_client(own_consul.url, *components) for _ in range(25)]
    said = [client.stdout.readline() for client in clients if client.stdout is not None]
    assert said == ["known\n"] * 25
    figures.add("25 clients of 10 components: started, and all components known", time.monotonic() - begin, "s")
    connections = connections_to(own_consul.port)
    new, begin = fresh_component(), time.monotonic()
    make_registry(own_consul, 8000, check="ttl").register(new, [ChannelAddress("rest", "http://127.0.0.1:8000")])
    eventually(lambda: own_consul.instances(new.name))
    figures.add("25 clients of 10 components: connections to the agent", connections)
    figures.add("25 clients of 10 components: a server is registered after", time.monotonic() - begin, "s")
    assert 100 < connections < AGENT_LIMIT
